#!/usr/bin/env python3
"""secretsweep beside public tools: the same question about the same trail, in turn, and the same answer.

    cargo bench --bench trail -- write /tmp/t2 ours=20 files=500
    python3 tests/bench/compare.py /tmp/t2

The question and the tools stand in peers.py. They come from PyPI (requirements.txt, into the target folder) and from
Debian (jq). `counts` is this project's reading with the least folding that answers the question; `scan` is the whole
program of the release build, which also judges coverage, loops and every secret, and writes its report. Each tool runs
in turn with `counts` (A B A B), once before it counts, so that the files lie in memory and a busy neighbour hits both.
Printed are medians of the ratios with their range: the tool's time over that of `counts`, and over that of `scan`.

The rows of every tool must equal those of `counts`; so must the calls in the report of `scan`, in all, and the reads of
each secret. Otherwise the exit code is 1.
"""

import argparse
import collections
import hashlib
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
TOOLS = ["duckdb", "duckdb-objects", "duckdb-auto", "polars", "clickhouse", "orjson", "jq"]

Run = collections.namedtuple("Run", "wall cpu memory")


def built():
    """Builds the bench and, with it, the program, both as they are released; gives their paths."""
    command = ["cargo", "bench", "--bench", "trail", "--no-run", "--message-format=json"]
    told = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    units = [json.loads(line) for line in told.stdout.splitlines()]
    paths = {unit["target"]["name"]: unit["executable"] for unit in units if unit.get("executable")}
    return paths["trail"], paths["secretsweep"]


def python():
    """A Python with the tools; made on first use."""
    folder = os.path.join(TARGET, "compare")
    program = os.path.join(folder, "bin", "python")
    wanted = os.path.join(HERE, "requirements.txt")
    mark = os.path.join(folder, "requirements.txt")
    if not os.path.exists(mark) or open(mark).read() != open(wanted).read():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([program, "-m", "pip", "install", "--quiet", "--requirement", wanted], check=True)
        shutil.copy(wanted, mark)
    return program


def run(command, out):
    """Runs a command to its end; time of the clock and of all processors in seconds, most memory of a process in MB."""
    with open(out, "wb") as file:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=file, stderr=subprocess.PIPE)
        complaint = child.stderr.read()
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit code {child.returncode}\n{complaint.decode()[-2000:]}")
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)


def aside(function, *words):
    """Calls in a process of its own: what this one ever held, every child would count as its own memory."""
    with multiprocessing.Pool(1) as pool:
        return pool.apply(function, words)


Answer = collections.namedtuple("Answer", "rows digest calls reads")


def answer(path):
    """The rows of a tool, as what is needed to compare them."""
    with open(path, "rb") as file:
        table = sorted(file.read().splitlines())
    calls, reads = 0, collections.Counter()
    for row in table:
        _, account, region, api, error, secret, _, count = row.decode().split("\t")
        # What the service tells of itself is no call.
        if api not in ("RotationSucceeded", "EndSecretVersionDelete"):
            calls += int(count)
        if api == "GetSecretValue" and not error:
            # An ARN ends in a hyphen and six characters.
            name = secret.split(":secret:")[1][:-7] if secret.startswith("arn:") else secret
            reads[account, region, name] += int(count)
    return Answer(len(table), hashlib.sha256(b"\n".join(table)).hexdigest(), calls, dict(reads))


def reported(path):
    """Calls and successful reads by secret in the report of a scan."""
    with open(path) as file:
        report = json.load(file)
    reads = {
        (secret["account"], secret["region"], secret["name"]): secret["reads"]
        for secret in report["secrets"]
        if secret["reads"]
    }
    return report["totals"]["calls"], reads


def in_turn(one, other, pairs):
    """Both in turn; the runs of each. The first of each only warms up."""
    found = [(one(), other()) for _ in range(pairs + 1)]
    return found[1:]


def median(numbers, digits=1):
    numbers = sorted(numbers)
    text = f"{statistics.median(numbers):.{digits}f}"
    return text if len(numbers) == 1 else f"{text} [{numbers[0]:.{digits}f}-{numbers[-1]:.{digits}f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="a trail that `cargo bench --bench trail -- write DIR` wrote")
    parser.add_argument("--pairs", type=int, default=5, help="how often each pair runs (%(default)s)")
    parser.add_argument("--tools", default=",".join(TOOLS), help="which, with commas (%(default)s)")
    parser.add_argument("--all-copies", action="store_true", help="count an eventID as often as it comes")
    parser.add_argument("--no-scan", action="store_true", help="leave the whole program out")
    asked = parser.parse_args()
    folder = os.path.abspath(asked.folder)
    trail, whole = built()
    interpreter = python()

    with tempfile.TemporaryDirectory() as scratch:
        place = lambda name: os.path.join(scratch, name)
        flag = ["--all-copies"] if asked.all_copies else []
        once = f"once={int(not asked.all_copies)}"
        counts = lambda: run([trail, "counts", folder, "threads=2", once], place("counts"))
        counts()
        expected = aside(answer, place("counts"))
        wrong = []
        program = None
        print(f"{folder}: {expected.rows} rows, {expected.calls} calls")
        if not asked.no_scan:
            program = scan(trail, whole, folder, scratch)
            program()
            told = aside(reported, place("report/report.json"))
            if not asked.all_copies and told != (expected.calls, expected.reads):
                wrong.append("scan counts other calls or reads")
        report = [["tool", "wall", "processor", "wall / scan", "processor / scan", "MB", "same rows"]]

        def line(name, tool, same):
            pairs = in_turn(counts, tool, asked.pairs)
            cells = [
                median([other.wall / ours.wall for ours, other in pairs]),
                median([other.cpu / ours.cpu for ours, other in pairs]),
            ]
            if program and tool is not program:
                beside = in_turn(program, tool, max(1, asked.pairs // 2))
                cells.append(median([other.wall / ours.wall for ours, other in beside]))
                cells.append(median([other.cpu / ours.cpu for ours, other in beside]))
            else:
                cells += ["1" if program else ""] * 2
            report.append([name, *cells, f"{max(other.memory for _, other in pairs):.0f}", same()])
            print("  ".join(report[-1]), file=sys.stderr)

        if program:
            line("scan", program, lambda: "NO" if wrong else "calls, reads")
        for tool in asked.tools.split(","):
            command = [interpreter, os.path.join(HERE, "peers.py"), tool, folder, *flag]

            def same(tool=tool):
                if aside(answer, place(tool)) == expected:
                    return "yes"
                wrong.append(f"{tool} gives other rows")
                return "NO"

            line(tool, lambda: run(command, place(tool)), same)
        own = counts()
        report.append(["counts", "1", "1", "", "", f"{own.memory:.0f}", f"{own.wall:.2f} s, {own.cpu:.2f} s CPU"])
    for cells in report:
        print("| " + " | ".join(cells) + " |")
        if cells is report[0]:
            print("|---" * len(cells) + "|")
    for what in wrong:
        print(f"WRONG: {what}")
    return 1 if wrong else 0


def scan(trail, program, folder, scratch, *more):
    """The whole program on the trail, as a person would run it, with more words."""
    inventory = os.path.join(scratch, "inventory.json")
    subprocess.run([trail, "inventory", inventory], check=True)
    report = os.path.join(scratch, "report")
    command = [program, "--quiet", "scan", "--inventory", inventory, "--trail", folder, "--out", report, "--overwrite"]
    command += ["--window", "30d", "--now", "2026-10-31T00:00:00Z", "--allow-partial", *more]
    return lambda: run(command, os.path.join(scratch, "scan"))


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""All figures of README.md in one command: writes the trails to a folder (2.2 GB, once) and prints the tables.

    python3 tests/bench/measure.py /tmp/trails
    python3 tests/bench/measure.py /tmp/trails --only ratio,files

Everything runs in turn and is told as a ratio. The column of the processor is the one to trust beside busy neighbours.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile

# Nothing is written beside the sources.
sys.dont_write_bytecode = True
import compare

# What to write, by the name of its folder.
TRAILS = {
    "ours-2": "ours=20",
    "four-times": "ours=20 files=8000",
    "ours-20": "ours=200",
    "ours-90": "ours=900",
    "quarter": "ours=20 files=500",
    "half": "ours=20 files=1000",
    "large-files": "ours=20 files=5 records=45000",
    "small-files": "ours=20 files=50000 records=4",
    "half-ours-90": "ours=900 files=1000",
    "quarter-ours-90": "ours=900 files=500",
    **{
        f"traps-{style}": f"ours=100 traps=50 again=500 members=30 files=150 style={style}"
        for style in ["compact", "spaced", "pretty", "sorted", "escaped"]
    },
}


class Bench:
    """The program of the bench, on the trails in a folder."""

    def __init__(self, folder, pairs):
        self.folder = folder
        self.pairs = f"pairs={pairs}"
        self.program, self.whole = compare.built()

    def trail(self, name):
        """The path of a trail, which is written when it is not there."""
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            # A trail that was written halfway must not be taken for one.
            half = path + ".part"
            subprocess.run([self.program, "write", half, *TRAILS[name].split()], check=True)
            os.rename(half, path)
        return path

    def figures(self, *words):
        """Median, range and processor as the bench prints them."""
        told = subprocess.run([self.program, *words, self.pairs], check=True, stdout=subprocess.PIPE, text=True)
        return re.search(r"wall (\S+ \[\S+\]), processor (\S+)", told.stdout).groups()


def table(*rows):
    for number, cells in enumerate(rows):
        print("| " + " | ".join(cells) + " |")
        if number == 0:
            print("|---" * len(cells) + "|")
    print(flush=True)


def ratio(bench):
    """Reading over inflating, and two threads over one."""
    rows = [("reading", "threads", "wall", "processor")]
    for name in ["ours-2", "ours-20", "ours-90"]:
        for threads in ["1", "2"]:
            figures = bench.figures("ratio", bench.trail(name), f"threads={threads}")
            rows.append((f"{name}, over inflating", threads, *figures))
        rows.append((f"{name}, two threads over one", "", *bench.figures("scaling", bench.trail(name))))
    table(*rows)


def files(bench):
    """The same volume in more and smaller files."""
    rows = [("time per byte of JSON", "wall", "processor")]
    for one, other in [("quarter", "large-files"), ("small-files", "quarter")]:
        figures = bench.figures("pair", bench.trail(one), f"with={bench.trail(other)}")
        rows.append((f"{one} over {other}", *figures))
    for name in ["quarter", "small-files"]:
        rows.append((f"{name}, reading over inflating", *bench.figures("ratio", bench.trail(name))))
    table(*rows)


def whole(bench):
    """The whole program, which also judges and writes its report, over inflating; two threads."""
    rows = [("whole scan over inflating", "wall", "processor", "wall of a scan without a trail, ms")]
    for name in ["ours-2", "four-times", "ours-20", "ours-90"]:
        trail = bench.trail(name)
        floor = [bench.program, "floor", trail, "threads=2"]
        with tempfile.TemporaryDirectory() as scratch:
            program = compare.scan(bench.program, bench.whole, trail, scratch)
            nothing = os.path.join(scratch, "nothing")
            os.mkdir(nothing)
            idle = compare.scan(bench.program, bench.whole, nothing, scratch)
            turns = [(program(), compare.run(floor, os.path.join(scratch, "out")), idle()) for _ in range(7)]
        walls, cpus = ([getattr(a, what) / getattr(b, what) for a, b, _ in turns] for what in ["wall", "cpu"])
        rows.append((name, middle(walls), middle(cpus), f"{1000 * statistics.median(c.wall for *_, c in turns):.0f}"))
    table(*rows)


def cache(bench):
    """The first run with --cache over one without, and the second, when nothing is new, over the first; two threads."""
    rows = [("cache", "first over without, processor", "second over first, wall", "processor", "ms")]
    for name in ["ours-2", "four-times", "ours-20", "ours-90"]:
        trail = bench.trail(name)
        turns = []
        for _ in range(5):
            with tempfile.TemporaryDirectory() as scratch:
                without = compare.scan(bench.program, bench.whole, trail, scratch)
                folder = os.path.join(scratch, "cache")
                program = compare.scan(bench.program, bench.whole, trail, scratch, "--cache", folder)
                turns.append((without(), program(), program()))
        more = [first.cpu / without.cpu for without, first, _ in turns]
        walls, cpus = ([getattr(b, what) / getattr(a, what) for _, a, b in turns] for what in ["wall", "cpu"])
        first, second = (1000 * statistics.median(turn[at].wall for turn in turns) for at in [1, 2])
        rows.append((name, middle(more), middle(walls), middle(cpus), f"{second:.0f} over {first:.0f}"))
    table(*rows)


def middle(ratios):
    """The median, and the range."""
    return f"{statistics.median(ratios):.3f} [{min(ratios):.3f}-{max(ratios):.3f}]"


def memory(bench):
    """The most memory of reading and of the whole program on one, two and four quarters of a trail."""
    rows = [("most memory, two threads, MB", "1x", "2x", "4x")]
    for sizes in [["quarter", "half", "ours-2"], ["quarter-ours-90", "half-ours-90", "ours-90"]]:
        reading, whole = [], []
        for name in sizes:
            trail = bench.trail(name)
            with tempfile.TemporaryDirectory() as scratch:
                out = os.path.join(scratch, "out")
                reading.append(compare.run([bench.program, "scan", trail, "threads=2"], out).memory)
                whole.append(compare.scan(bench.program, bench.whole, trail, scratch)().memory)
        for what, found in [("reading", reading), ("whole scan", whole)]:
            rows.append((f"{what}, {sizes[-1]}", *(f"{number:.0f}" for number in found)))
    table(*rows)


def stages(bench):
    """Where the time goes, by what is left out: processor seconds on one thread, the least of five."""
    rows = [("processor seconds, one thread", "inflate", "+ split, walk, hours", "+ count", "+ each once", "whole scan")]
    for name in ["ours-2", "ours-20", "ours-90"]:
        trail = bench.trail(name)
        cells = [name]
        with tempfile.TemporaryDirectory() as scratch:
            out = os.path.join(scratch, "out")
            before = 0
            for words in ["floor", "scan", "counts once=0", "counts once=1"]:
                word, *more = words.split()
                command = [bench.program, word, trail, "threads=1", *more]
                spent = min(compare.run(command, out).cpu for _ in range(5))
                cells.append(f"{spent - before:.2f}")
                before = spent
            program = compare.scan(bench.program, bench.whole, trail, scratch)
            cells.append(f"{min(program().cpu for _ in range(5)):.2f}")
        rows.append(tuple(cells))
    table(*rows)


def peers(bench):
    """compare.py on the quarters; every tool gives the same rows."""
    for name in ["quarter", "quarter-ours-90"]:
        subprocess.run([sys.executable, compare.__file__, bench.trail(name)], check=True)
        print(flush=True)


def traps(bench):
    """Every trap, every style, records twice and repacked files: equal rows are all that counts here."""
    for name in [name for name in TRAILS if name.startswith("traps-")]:
        command = [sys.executable, compare.__file__, bench.trail(name), "--pairs", "1", "--tools", "orjson,jq"]
        subprocess.run(command, check=True)
        print(flush=True)


PARTS = {part.__name__: part for part in [ratio, files, whole, cache, memory, stages, peers, traps]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--only", default=",".join(PARTS), help="which tables, with commas (%(default)s)")
    parser.add_argument("--pairs", type=int, default=7)
    asked = parser.parse_args()
    os.makedirs(asked.folder, exist_ok=True)
    bench = Bench(os.path.abspath(asked.folder), asked.pairs)
    for name in asked.only.split(","):
        print(f"{PARTS[name].__doc__}\n", flush=True)
        PARTS[name](bench)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Whole scans of small trails by the instructions they take: fails where one takes 3 % more than instructions.json says.

    cargo build --release
    python3 tests/bench/instructions.py target/release/secretsweep
    python3 tests/bench/instructions.py target/release/secretsweep --update

Instructions are the same whatever else a machine does, and all but the same on every machine with AVX2. They depend on the
compiler, so the file says which one it was measured with; with another one the figures are shown, and nothing fails.
Needs valgrind. The trails come from a seed and are written by the bench `trail` in the profile of the tests.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

FIGURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.json")

# By name: what the bench is told to write.
TRAILS = {
    "ours-2": "write {} ours=20 files=60",
    "ours-90": "write {} ours=900 files=25",
    "fleet": "fleet {} roles=500 secrets=200 sessions=6000 events=40000",
}

# More than so much of what was committed is too much.
ALLOWED = 1.03


def written(name, folder):
    """The trail and the inventory, in folders below this one."""
    bench = ["cargo", "bench", "--quiet", "--profile", "dev", "--bench", "trail", "--"]
    words = TRAILS[name]
    path = os.path.join(folder, name)
    if words.startswith("fleet"):
        subprocess.run([*bench, *words.format(path).split()], check=True)
        return os.path.join(path, "trail"), os.path.join(path, "inventory.json")
    trail, inventory = os.path.join(path, "trail"), os.path.join(path, "inventory.json")
    subprocess.run([*bench, *words.format(trail).split()], check=True)
    subprocess.run([*bench, "inventory", inventory], check=True)
    return trail, inventory


def instructions(program, trail, inventory, folder):
    """How many instructions one whole scan takes."""
    out = os.path.join(folder, "counts")
    words = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program, "scan", "--quiet", "--threads", "1"]
    words += ["--inventory", inventory, "--trail", trail, "--now", "2026-10-31T00:00:00Z"]
    words += ["--out", os.path.join(folder, "report"), "--overwrite"]
    run = subprocess.run(words, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", run.stderr)
    # A scan of a made-up trail may have parts that it cannot judge.
    if run.returncode not in (0, 3) or not found:
        sys.exit(f"the scan failed: {run.stderr}")
    return int(found.group(1))


def compiler():
    """What the program is compiled with."""
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--update", action="store_true", help="write what was measured into instructions.json")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name in TRAILS:
            trail, inventory = written(name, folder)
            found[name] = instructions(os.path.abspath(asked.program), trail, inventory, folder)
    if asked.update:
        with open(FIGURES, "w", encoding="utf-8") as file:
            json.dump({"compiler": compiler(), "instructions": found}, file, indent=2)
            file.write("\n")
        return
    with open(FIGURES, encoding="utf-8") as file:
        known = json.load(file)
    is_same = known["compiler"] == compiler()
    too_many = False
    for name, count in found.items():
        share = count / known["instructions"][name]
        too_many |= share > ALLOWED
        print(f"{name}: {count:,} instructions, {share:.3f} of what was committed")
    if not is_same:
        print(f"measured with {compiler()}, committed with {known['compiler']}: nothing follows from this")
    elif too_many:
        sys.exit("a scan takes more than 3 % more instructions than was committed: look for what made it slower, or commit "
                 "the new figures with --update and say why")


if __name__ == "__main__":
    main()

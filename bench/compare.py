#!/usr/bin/env python3
"""arena against a vectorised numpy/SciPy version of the same algorithms (rating_reference.py), whole
process against whole process, one after the other in the same run; and the store against raw SOCI.

usage: bench/compare.py [--runs N] [--out FILE]

Needs build/release (cmake --preset release && cmake --build --preset release) and Debian's
python3-scipy and python3-pandas. Prints ratios; absolute times depend on the machine. With --out the
figures are written as JSON, with machine and commit.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

import machine

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "release")
DATA = os.path.join(ROOT, "build", "bench")
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's numpy

CASES = {
    "bt": {
        "title": "1,000,000 battles of 100 models from CSV, Bradley-Terry, 100 independent bootstraps",
        "generate": ["--battles", "1000000", "--models", "100"],
        "rounds": 100,
        "arena": [],
    },
    "style": {
        "title": "100,000 battles with style columns, style-controlled Bradley-Terry, 20 independent bootstraps",
        "generate": ["--battles", "100000", "--models", "100", "--style"],
        "rounds": 20,
        "arena": ["--style-control"],
    },
}


def timed(command):
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, done


def arena_times(case, file):
    command = [os.path.join(BUILD, "arena"), "rank", "--format", "lmsys", file, "--json", "--timing",
               "--ci", "bootstrap", "--cluster", "none", "--bootstrap", str(case["rounds"])]
    total, done = timed(command + case["arena"])
    timing = dict(part.split("=") for part in done.stderr.split() if "=" in part)
    ratings = {row["name"]: row["rating"] for row in json.loads(done.stdout)["contestants"]}
    return total, float(timing["read_s"]), float(timing["rate_s"]), ratings


def reference_times(name, case, file, *more):
    total, done = timed([PYTHON, os.path.join(ROOT, "bench", "rating_reference.py"), name, file,
                         "--rounds", str(case["rounds"]), *more])
    own = json.loads(done.stdout)
    return total, own["read_s"], own["fit_s"], {row["name"]: row["rating"] for row in own["contestants"]}


def compare_ratings(name, case, runs):
    file = os.path.join(DATA, f"{name}.csv")
    if not os.path.exists(file):
        subprocess.run([PYTHON, os.path.join(ROOT, "bench", "make_battles.py"), file,
                        *case["generate"]], check=True)
    arena_times(case, file)  # the file is in the page cache from here on
    arena, warm, cold = [], [], []
    for _ in range(runs):
        arena.append(arena_times(case, file))
        warm.append(reference_times(name, case, file))
        cold.append(reference_times(name, case, file, "--cold"))
    middle = lambda rows, i: statistics.median(row[i] for row in rows)
    result = {"case": case["title"], "runs": runs, "arena_s": middle(arena, 0),
              "arena_read_s": middle(arena, 1), "arena_rate_s": middle(arena, 2),
              "largest_rating_gap": max(abs(arena[0][3][m] - warm[0][3][m]) for m in arena[0][3])}
    print(f"{case['title']}\n  arena: {result['arena_s']:.3f} s, of which rating "
          f"{result['arena_rate_s']:.3f} s (median of {runs})")
    for start, rows in (("zero", cold), ("the estimate", warm)):
        ratios = {"total_s": middle(rows, 0), "fit_s": middle(rows, 2),
                  "ratio_whole_process": middle(rows, 0) / middle(arena, 0),
                  "ratio_without_reading": middle(rows, 2) / middle(arena, 2)}
        result["rounds_from_" + start.split()[-1]] = ratios
        print(f"  reference, rounds from {start:12} {ratios['total_s']:6.2f} s: "
              f"{ratios['ratio_whole_process']:5.1f} times, without reading "
              f"{ratios['ratio_without_reading']:5.1f} times")
    print(f"  largest gap of the two boards' ratings: {result['largest_rating_gap']:.2f} points")
    return result


def compare_store():
    """Prints store_bench's table; its columns are rows/s, ratio to raw SOCI in each of two modes."""
    _, done = timed([os.path.join(BUILD, "store_bench")])
    print("Store\n" + done.stdout.rstrip())
    return done.stdout.splitlines()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    os.makedirs(DATA, exist_ok=True)
    results = [compare_ratings(name, case, arguments.runs) for name, case in CASES.items()]
    store = compare_store()
    if arguments.out:
        with open(arguments.out, "w") as out:
            json.dump({"machine": {"cpu": machine.cpu(), "cores": os.cpu_count(), "system": platform.platform()},
                       "commit": machine.commit(), "ratings": results, "store": store}, out, indent=2)
            out.write("\n")


if __name__ == "__main__":
    sys.exit(main())

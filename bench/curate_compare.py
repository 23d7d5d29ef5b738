#!/usr/bin/env python3
"""Near-duplicates of arena against the same algorithm in numpy (curate_reference.py), in one run.

usage: bench/curate_compare.py [--documents N] [--rounds N] [--curve] [--out FILE]

Needs build/release (target curate_bench) and python3-numpy. Both read the same file of synthetic
documents of about 100 words and count from the texts in memory to the removed documents; numpy uses
one thread. Medians of the rounds, in each of which all run one after the other. `hash` is MinHash
alone on one thread against its bound on ports: 4 instructions for 16 permutations of a shingle with
AVX-512, two a cycle. --curve runs 10k to 1M documents.
"""
import argparse
import json
import os
import statistics
import subprocess

import machine

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCH = os.path.join(ROOT, "build", "release", "curate_bench")
DATA = os.path.join(ROOT, "build", "bench")


def documents(count):
    file = os.path.join(DATA, f"documents_{count}.txt")
    if not os.path.exists(file):
        os.makedirs(DATA, exist_ok=True)
        subprocess.run([BENCH, "--make", file, str(count)], check=True)
    return file


def run(command):
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--out")
    options = parser.parse_args()
    file = documents(options.documents)
    commands = {"arena": [BENCH, file], "arena_one_thread": [BENCH, file, "1"],
                "numpy": ["/usr/bin/python3", os.path.join(ROOT, "bench", "curate_reference.py"), file]}
    rounds = [{name: run(command) for name, command in commands.items()} for _ in range(options.rounds)]
    median = {name: {key: statistics.median(one[name][key] for one in rounds)
                     for key in ("total_s", "cpu_s")} for name in commands}
    result = {
        "machine": machine.machine(),
        "commit": machine.commit(),
        "rounds": options.rounds,
        "documents": options.documents,
        "documents_per_second": {name: round(options.documents / median[name]["total_s"])
                                 for name in commands},
        "ratio": round(median["numpy"]["total_s"] / median["arena"]["total_s"], 1),
        "ratio_one_thread": round(median["numpy"]["total_s"] / median["arena_one_thread"]["total_s"], 1),
        # Of processor time, which a loaded machine does not change as much.
        "ratio_cpu_one_thread": round(median["numpy"]["cpu_s"] / median["arena_one_thread"]["cpu_s"], 1),
        "removed_of_the_same": {name: rounds[0][name]["removed"] for name in ("arena", "numpy")},
        "hash_us_per_document": round(1e6 * statistics.median(
            one["arena_one_thread"]["sign_one_thread_s"] for one in rounds) / options.documents, 3),
    }
    if options.curve:
        result["curve"] = [run([BENCH, documents(count)]) for count in (10**4, 10**5, 10**6)]
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as out:
            out.write(text + "\n")


if __name__ == "__main__":
    main()

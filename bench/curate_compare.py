#!/usr/bin/env python3
"""Near-duplicates of arena against the same algorithm in numpy (curate_reference.py), in one run.

usage: bench/curate_compare.py [--documents N] [--reference-documents N] [--curve] [--out FILE]

Needs build/release (target curate_bench) and python3-numpy. Both read the same file of synthetic
documents of about 100 words and count from the texts in memory to the removed documents; numpy uses
one thread and reads the first documents only, as each later one costs it more. `hash` is MinHash
alone on one thread against its bound on ports: 4 instructions for 16 permutations of a shingle with
AVX-512, two a cycle. --curve runs 10k to 1M documents.
"""
import argparse
import json
import os
import platform
import subprocess

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
    parser.add_argument("--reference-documents", type=int, default=10000)
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--out")
    options = parser.parse_args()
    file = documents(options.documents)
    ours = run([BENCH, file])
    alone = run([BENCH, file, "1"])
    reference = run(["/usr/bin/python3", os.path.join(ROOT, "bench", "curate_reference.py"), file,
                     "--limit", str(options.reference_documents)])
    same = run([BENCH, documents_head(file, options.reference_documents)])
    rates = {name: result["documents"] / result["total_s"]
             for name, result in (("arena", ours), ("arena_one_thread", alone), ("numpy", reference))}
    result = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors",
        "documents_per_second": {name: round(rate) for name, rate in rates.items()},
        "ratio": round(rates["arena"] / rates["numpy"], 1),
        "ratio_one_thread": round(rates["arena_one_thread"] / rates["numpy"], 1),
        # Of processor time, which a loaded machine does not change as much.
        "ratio_cpu_one_thread": round(reference["cpu_s"] / reference["documents"] * alone["documents"]
                                      / alone["cpu_s"], 1),
        "removed_of_the_same": {"arena": same["removed"], "numpy": reference["removed"]},
        "hash_us_per_document": round(1e6 * alone["sign_one_thread_s"] / alone["documents"], 3),
    }
    if options.curve:
        result["curve"] = [run([BENCH, documents(count)]) for count in (10**4, 10**5, 10**6)]
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as out:
            out.write(text + "\n")


def documents_head(file, count):
    head = f"{file}.{count}"
    with open(file, encoding="utf-8") as source, open(head, "w", encoding="utf-8") as out:
        for _, line in zip(range(count), source):
            out.write(line)
    return head


if __name__ == "__main__":
    main()

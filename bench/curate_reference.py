#!/usr/bin/env python3
"""The near-duplicates of curate_bench found once more with numpy, as a yardstick.

    python3 bench/curate_reference.py FILE [--limit N]

FILE holds one document a line. The same algorithm: 5-word shingles, MinHash with 128 permutations
x -> a x + b mod 2^32, 42 bands of 3 rows, every candidate checked by the exact Jaccard similarity
against the documents kept so far, threshold 0.4. Prints one JSON line with the time after reading.
Needs python3-numpy.
"""
import argparse
import json
import re
import time
import zlib

import numpy as np

SIZE, PERMUTATIONS, BANDS, ROWS, THRESHOLD = 5, 128, 42, 3, 0.4
WORD = re.compile(r"\w+")


def shingles(text):
    words = WORD.findall(text.lower())
    if not words:
        return set()
    width = min(SIZE, len(words))
    return {" ".join(words[i:i + width]) for i in range(len(words) - width + 1)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--limit", type=int, default=None)
    arguments = parser.parse_args()
    with open(arguments.file, encoding="utf-8") as source:
        documents = source.read().splitlines()[:arguments.limit]
    start = time.perf_counter()
    cpu_start = time.process_time()
    rng = np.random.default_rng(1)
    a = rng.integers(0, 2**32, PERMUTATIONS, dtype=np.uint32)[:, None] | np.uint32(1)
    b = rng.integers(0, 2**32, PERMUTATIONS, dtype=np.uint32)[:, None]
    tables = [{} for _ in range(BANDS)]
    sets, removed = [], 0
    for text in documents:
        found = shingles(text)
        sets.append(found)
        if not found:
            continue
        x = np.fromiter((zlib.crc32(s.encode()) for s in found), np.uint32, len(found))
        signature = (a * x + b).min(axis=1)
        keys = [band.tobytes() for band in signature[:BANDS * ROWS].reshape(BANDS, ROWS)]
        candidates = set()
        for table, key in zip(tables, keys):
            candidates.update(table.get(key, ()))
        for other in sorted(candidates):
            shared = len(found & sets[other])
            if shared / (len(found) + len(sets[other]) - shared) >= THRESHOLD:
                removed += 1
                break
        else:
            for table, key in zip(tables, keys):
                table.setdefault(key, []).append(len(sets) - 1)
    seconds = time.perf_counter() - start
    cpu_seconds = time.process_time() - cpu_start
    print(json.dumps({"documents": len(documents), "removed": removed,
                      "total_s": round(seconds, 4), "cpu_s": round(cpu_seconds, 4)}))


if __name__ == "__main__":
    main()

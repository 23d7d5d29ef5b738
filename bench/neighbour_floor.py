#!/usr/bin/env python3
"""What a floor of similarity does to the step `neighbours` of arena curate.

usage: bench/neighbour_floor.py --pool FILE... --benchmark FILE... [--out FILE]

Plants edited copies of the benchmark items in the pool (each word replaced with the chance EDIT by a
word of another item), runs the step without a floor and reads the similarities of what it removes:
for each floor, the share of the copies that it would find, and the share of the pool's own items
that it would remove. Needs build/release/arena.
"""
import argparse
import json
import os
import random
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ARENA = os.path.join(ROOT, "build", "release", "arena")
EDITS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
FLOORS = (-1.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def curate(pool, benchmark, out):
    settings = ["curate.steps=[\"neighbours\"]", "curate.neighbours=5", "curate.shards=1",
                "curate.neighbour_similarity=-1"]
    command = [ARENA, "curate", "--json", "--out", out, "--input", *pool, "--benchmark", *benchmark]
    for setting in settings:
        command += ["--set", setting]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def lines(file):
    with open(file, encoding="utf-8") as source:
        return [json.loads(line) for line in source]


def asked(row):
    return "\n".join(m["content"] for m in row["messages"] if m["role"] == "user")


def prompts(files, folder):
    """The texts as arena reads them: curated by no step into one shard."""
    out = os.path.join(folder, "texts")
    subprocess.run([ARENA, "curate", "--out", out, "--set", "curate.steps=[\"unsafe\"]", "--set",
                    "curate.unsafe_flags=[\"none\"]", "--set", "curate.shards=0", "--input", *files],
                   check=True, capture_output=True)
    return [asked(row) for row in lines(os.path.join(out, "shards", "D0.jsonl"))]


def edited(text, chance, words, rng):
    return " ".join(rng.choice(words) if rng.random() < chance else word for word in text.split())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pool", nargs="+", required=True)
    parser.add_argument("--benchmark", nargs="+", required=True)
    parser.add_argument("--out")
    options = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        texts = prompts(options.benchmark, folder)
        words = [word for text in texts for word in text.split()]
        planted = os.path.join(folder, "planted.jsonl")
        with open(planted, "w", encoding="utf-8") as out:
            for text in texts:
                edit = rng.choice(EDITS)
                copy = edited(text, edit, words, rng)
                out.write(json.dumps({"id": f"planted-{edit}", "prompt": copy}) + "\n")
        counts = {edit: 0 for edit in EDITS}
        for row in lines(planted):
            counts[float(row["id"].split("-")[1])] += 1
        report = curate([*options.pool, planted], options.benchmark, os.path.join(folder, "out"))
        removed = lines(os.path.join(folder, "out", "removed.jsonl"))
    own = [row["similarity"] for row in removed if not row["id"].startswith("planted-")]
    found = {edit: [row["similarity"] for row in removed if row["id"] == f"planted-{edit}"]
             for edit in EDITS}
    pool_items = report["items"] - sum(counts.values())
    result = {
        "pool_items": pool_items,
        "benchmark_items": len(texts),
        "planted": {str(edit): count for edit, count in counts.items()},
        "floors": [{
            "floor": floor,
            "own_removed_percent": round(100 * sum(s >= floor for s in own) / pool_items, 2),
            "planted_found_percent": {
                str(edit): round(100 * sum(s >= floor for s in found[edit]) / max(counts[edit], 1), 1)
                for edit in EDITS},
        } for floor in FLOORS],
    }
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as out:
            out.write(text + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""What the flywheel gives on the mini world, measured seed by seed; scripts/evidence.sh calls it.

    scripts/evidence_flywheel.py runs       [--seeds 101-110]   nine stages, each beside its control
    scripts/evidence_flywheel.py ablations  [--seeds 201-205]   one setting changed at a time
    scripts/evidence_flywheel.py tables                         docs/evidence.md from what is there

Each run leaves docs/evidence/flywheel/NAME-SEED.json; one that is there is not run again, and one
that was killed goes on. Needs build/release. Settings are those of examples/mini/arena.toml, which
were chosen on the dev set with other seeds.
"""
import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ARENA = os.path.join(ROOT, "build", "release", "arena")
WORK = os.path.join(ROOT, "build", "evidence")
RESULTS = os.path.join(ROOT, "docs", "evidence", "flywheel")
CONFIG = os.path.join(ROOT, "examples", "mini", "arena.toml")

# Two iterations of smaller shards: an ablation compares settings, not sizes.
SMALL = ["iterations=2", "sft_prompts=5000", "dpo_prompts=2000", "ppo_prompts=2000"]
SFT_ROWS = 1500  # the same number of learned rows for every rule
ABLATIONS = {
    "select-battles": SMALL + [f"select_size={SFT_ROWS}", 'stages=["sft"]'],
    "select-random": SMALL + [f"select_size={SFT_ROWS}", 'stages=["sft"]', 'select_by="random"'],
    "select-length": SMALL + [f"select_size={SFT_ROWS}", 'stages=["sft"]', 'select_by="length"'],
    "select-difficulty": SMALL + [f"select_size={SFT_ROWS}", 'stages=["sft"]',
                                  'select_by="difficulty"'],
    # The same shards, answers and steps; the stages whose term is off learn from winners alone.
    "stages-sft": SMALL + ["training.dpo.beta=0", "training.ppo.policy_weight=0"],
    "stages-sft-dpo": SMALL + ["training.ppo.policy_weight=0"],
    "stages-all": SMALL,
    "k-0": SMALL + ["k=0"],
    "k-2": SMALL + ["k=2"],
    "k-5": SMALL + ["k=5"],
    "rivals-1": SMALL + ['rivals=["generalist"]'],
    "rivals-2": SMALL + ['rivals=["generalist", "math"]'],
    "rivals-4": SMALL,
}


def seeds_of(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def machine():
    with open("/proc/cpuinfo") as cpuinfo:
        name = next((line.split(":")[1].strip() for line in cpuinfo
                     if line.startswith("model name")), "unknown")
    return f"{name}, {os.cpu_count()} cores"


def run(name, seed, overrides):
    result = os.path.join(RESULTS, f"{name}-{seed}.json")
    if os.path.exists(result):
        return
    folder = os.path.join(WORK, f"{name}-{seed}")
    command = [ARENA, "flywheel", "run", "-c", CONFIG, "--workdir", folder, "--seed", str(seed),
               "--json", "--set", f'flywheel.cache="{os.path.join(WORK, "cache")}"']
    for override in overrides:
        command += ["--set", "flywheel." + override]
    print(f"{name}, seed {seed}", flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"the run ended with exit code {done.returncode}; the same command continues")
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True,
                            text=True).stdout.strip()
    os.makedirs(RESULTS, exist_ok=True)
    with open(result + ".tmp", "w") as file:
        json.dump({"name": name, "seed": seed, "overrides": overrides, "machine": machine(),
                   "commit": commit, **json.loads(done.stdout)}, file, indent=1)
        file.write("\n")
    os.replace(result + ".tmp", result)
    shutil.rmtree(folder)  # what is left of it can be made again from its seed


def results(name):
    files = sorted(os.listdir(RESULTS)) if os.path.isdir(RESULTS) else []
    for file in files:
        if file.rpartition("-")[0] == name:
            with open(os.path.join(RESULTS, file)) as text:
                yield json.load(text)


# Two-sided 95% points of Student's t by degrees of freedom.
T95 = [math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
       2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086]


def interval(values):
    """Mean and its 95% t interval as text; the unit is the seed."""
    mean = statistics.mean(values)
    if len(values) < 2:
        return f"{mean:.1f} (one seed)"
    half = T95[min(len(values) - 1, len(T95) - 1)] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:.1f} ({mean - half:.1f} to {mean + half:.1f})"


def gain(result, figure):
    scale = 100 if figure == "exact_match" else 1
    return scale * (result["stages"][-1][figure] - result["stages"][0][figure])


def beyond_control(result, prefix, figure):
    """Stage minus control, averaged over the iterations."""
    scale = 100 if figure == "exact_match" else 1
    differences = [scale * (stage[figure] - stage["control"][figure]) for stage in result["stages"]
                   if stage["name"].startswith(prefix) and "control" in stage]
    return statistics.mean(differences) if differences else None


def tables():
    runs = list(results("run"))
    lines = ["# Evidence", "", "Made by `scripts/evidence.sh`; one file a seed in docs/evidence/flywheel. "
             "Means over seeds with 95% t intervals, the unit being the seed. Ratings are "
             "Bradley-Terry's in one pool with the four rivals, whose mean is 1000.", ""]
    if runs:
        lines += [f"## Nine stages, {len(runs)} seeds", "", f"Machine: {runs[0]['machine']}. Seeds "
                  + ", ".join(str(r["seed"]) for r in runs) + ".", "",
                  "| stage | rating | exact match, % | mean win rate against the rivals, % |",
                  "|---|---|---|---|"]
        for i, stage in enumerate(runs[0]["stages"]):
            rivals = [statistics.mean([100 / (1 + 10 ** ((rival["rating"] - r["stages"][i]["rating"]) / 400))
                                       for rival in r["rivals"]]) for r in runs]
            lines.append(f"| {stage['name']} | {interval([r['stages'][i]['rating'] for r in runs])} | "
                         f"{interval([100 * r['stages'][i]['exact_match'] for r in runs])} | "
                         f"{interval(rivals)} |")
        lines += ["", f"From the first stage to the last: {interval([gain(r, 'rating') for r in runs])} "
                  f"rating points, {interval([gain(r, 'exact_match') for r in runs])} points of exact "
                  "match. The win rates follow from the ratings.", "",
                  "Each DPO and PPO stage beside its control, which starts from the same checkpoint and "
                  "learns the same rows in the same number of steps without the preference or reward "
                  "term; stage minus control, averaged over the iterations:", "",
                  "| stage | rating points | exact match, points |", "|---|---|---|"]
        for prefix in ("DPO", "PPO"):
            lines.append(f"| {prefix} | " + " | ".join(
                interval([beyond_control(r, prefix, figure) for r in runs])
                for figure in ("rating", "exact_match")) + " |")
    if any(list(results(name)) for name in ABLATIONS):
        lines += ["", "## Ablations", "", "Two iterations of half-size shards; the gain from the first "
                  "stage to the last.", "", "| setting | seeds | rating points | exact match, points |",
                  "|---|---|---|---|"]
        for name in ABLATIONS:
            found = list(results(name))
            if found:
                lines.append(f"| {name} | {len(found)} | {interval([gain(r, 'rating') for r in found])} | "
                             f"{interval([gain(r, 'exact_match') for r in found])} |")
    with open(os.path.join(ROOT, "docs", "evidence.md"), "w") as file:
        file.write("\n".join(lines) + "\n")
    print("\n".join(lines))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["runs", "ablations", "tables"])
    parser.add_argument("--seeds")
    arguments = parser.parse_args()
    if arguments.what == "runs":
        for seed in seeds_of(arguments.seeds or "101-110"):
            run("run", seed, ["controls=true"])
    if arguments.what == "ablations":
        for seed in seeds_of(arguments.seeds or "201-205"):
            for name, overrides in ABLATIONS.items():
                run(name, seed, overrides)
    tables()


if __name__ == "__main__":
    main()

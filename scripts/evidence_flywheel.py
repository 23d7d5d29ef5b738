#!/usr/bin/python3
"""What the flywheel gives on the mini world, measured seed by seed; scripts/evidence.sh calls it.

    scripts/evidence_flywheel.py runs       [--seeds 101-110]   nine stages, each beside its control
    scripts/evidence_flywheel.py ablations  [--seeds 201-205]   one setting changed at a time
    scripts/evidence_flywheel.py kills      [--seeds 1]         --fast, killed 20 times and continued
    scripts/evidence_flywheel.py tables                         docs/evidence.md from what is there

Each run leaves docs/evidence/flywheel/NAME-SEED.json; one that is there is not run again, and one
that was killed goes on. Needs build/release, or the program that --arena names. Settings are those
of examples/mini/arena.toml, which were chosen on the dev set with other seeds.
"""
import argparse
import concurrent.futures
import hashlib
import json
import math
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import machine  # noqa: E402
WORK = os.path.join(ROOT, "build", "evidence")
RESULTS = os.path.join(ROOT, "docs", "evidence", "flywheel")
CONFIG = os.path.join(ROOT, "examples", "mini", "arena.toml")
COMMIT = machine.commit()

# Two iterations of smaller shards: an ablation compares settings, not sizes.
SMALL = ["iterations=2", "sft_prompts=5000", "dpo_prompts=2000", "ppo_prompts=2000"]
# The same number of learned rows, and so of steps, whatever chooses them.
SFT = SMALL + ['stages=["sft"]', "select_size=1500"]
# Title: what is compared, by the name of its runs; the first row is what the others differ from.
ABLATIONS = {
    "Which instructions SFT learns from": {
        "lost battles": "sft", "random": "select-random", "longest": "select-length",
        "most difficult": "select-difficulty", "100 clusters in turn": "select-clusters",
        "highest IFD": "select-ifd", "most tags (INSTAG)": "select-tags"},
    "K, by which the target must be behind": {"0": "sft", "2": "k-2", "5": "k-5"},
    "Rivals": {"four": "sft", "generalist and math": "rivals-2", "generalist": "rivals-1"},
    # The same shards, answers and steps; a stage whose term is off learns from winners alone.
    "Stages": {"SFT": "stages-sft", "SFT and DPO": "stages-sft-dpo", "SFT, DPO and PPO": "stages-all"},
}
OVERRIDES = {
    "run": ["controls=true"],
    "sft": SFT,
    "select-random": SFT + ['select_by="random"'],
    "select-length": SFT + ['select_by="length"'],
    "select-difficulty": SFT + ['select_by="difficulty"'],
    "select-clusters": SFT + ['select_by="clusters"'],
    "select-ifd": SFT + ['select_by="ifd"'],
    "select-tags": SFT + ['select_by="tags"'],
    "k-2": SFT + ["k=2"],
    "k-5": SFT + ["k=5"],
    "rivals-2": SFT + ['rivals=["generalist", "math"]'],
    "rivals-1": SFT + ['rivals=["generalist"]'],
    "stages-sft": SMALL + ["training.dpo.beta=0", "training.ppo.policy_weight=0"],
    "stages-sft-dpo": SMALL + ["training.ppo.policy_weight=0"],
    "stages-all": SMALL,
}


def seeds_of(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def run(arena, name, seed):
    """Runs one setting with one seed, or continues it, and keeps what `--json` says of it."""
    result = os.path.join(RESULTS, f"{name}-{seed}.json")
    if os.path.exists(result):
        return
    folder = os.path.join(WORK, f"{name}-{seed}")
    command = [arena, "flywheel", "run", "-c", CONFIG, "--workdir", folder, "--seed", str(seed),
               "--json", "--set", f'flywheel.cache="{os.path.join(WORK, "cache")}"']
    for override in ["workers=1"] + OVERRIDES[name]:
        command += ["--set", "flywheel." + override]
    print(f"{name}, seed {seed}", flush=True)
    os.makedirs(WORK, exist_ok=True)
    with open(folder + ".log", "a") as log:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{name}, seed {seed}: exit code {done.returncode}, see {folder}.log; "
                           "the same command continues")
    os.makedirs(RESULTS, exist_ok=True)
    with open(result + ".tmp", "w") as file:
        json.dump({"name": name, "seed": seed, "overrides": OVERRIDES[name],
                   "machine": machine.machine(), "commit": COMMIT,
                   **json.loads(done.stdout)}, file, indent=1)
        file.write("\n")
    os.replace(result + ".tmp", result)
    shutil.rmtree(folder)  # what is left of it can be made again from its seed


def run_all(arena, names, seeds):
    """Two seeds at once, one process each; the settings of a seed share its base and rivals."""
    def one(seed):
        for name in names:
            run(arena, name, seed)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(one, seed) for seed in seeds]:
            done.result()


def hashes(folder):
    """What must not depend on kills: the leaderboard, the lineage and the data files."""
    files = ["leaderboard.json", "lineage.json"]
    # A kill may leave a file that was being written, NAME.tmpPID, beside them.
    files += sorted(os.path.join("data", name) for name in os.listdir(os.path.join(folder, "data"))
                    if ".tmp" not in name)
    found = {}
    for file in files:
        with open(os.path.join(folder, file), "rb") as bytes_of:
            found[file] = hashlib.sha256(bytes_of.read()).hexdigest()
    return found


def parts_done(folder):
    done = []
    state = os.path.join(folder, "state")
    for file in sorted(os.listdir(state)) if os.path.isdir(state) else []:
        if not file.endswith(".json"):
            continue  # being written
        with open(os.path.join(state, file)) as text:
            done += [f"{file[:-5]}: {part}" for part in json.load(text)["parts"]]
    return len(done)


def ends_of_parts(command, folder, log):
    """Runs the command to its end; seconds from its start at which each part was finished."""
    begin = time.monotonic()
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
    ends = []
    while running.poll() is None:
        ends += [time.monotonic() - begin] * (parts_done(folder) - len(ends))
        time.sleep(0.1)
    if running.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit code {running.returncode}")
    return ends


def kills(arena, seed, times=20):
    """Runs --fast whole, and again with kill -9 at random moments; both must end alike."""
    result = os.path.join(os.path.dirname(RESULTS), "flywheel_kills.json")
    if os.path.exists(result):
        return
    command = [arena, "flywheel", "run", "-c", CONFIG, "--fast", "--seed", str(seed), "--json",
               "--workdir"]
    whole, killed = (os.path.join(WORK, f"kills-{name}") for name in ("whole", "killed"))
    for folder in (whole, killed):
        shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(WORK, exist_ok=True)
    with open(os.path.join(WORK, "kills.log"), "w") as log:
        ends = ends_of_parts(command + [whole], whole, log)
        draws = random.Random(seed)
        moments, last = [], 0.0
        # Moments of the uninterrupted run. A life lasts as long as that run took from the end of the
        # part before, or from the last kill in the same part.
        for moment in sorted(draws.uniform(0, ends[-1]) for _ in range(times)):
            part = sum(end < moment for end in ends)
            running = subprocess.Popen(command + [killed], stdout=subprocess.DEVNULL, stderr=log)
            while parts_done(killed) < part and running.poll() is None:
                time.sleep(0.01)
            time.sleep(moment - max([last] + ends[:part][-1:]))
            last = moment
            ended = running.poll() is not None
            running.send_signal(signal.SIGKILL)
            running.wait()
            moments.append({"at_seconds_of_the_whole": round(moment, 2),
                            "parts_finished": parts_done(killed), "had_ended": ended})
            print(f"killed with {moments[-1]['parts_finished']} of {len(ends)} parts finished",
                  flush=True)
        subprocess.run(command + [killed], check=True, stdout=subprocess.DEVNULL, stderr=log)
    equal = hashes(whole) == hashes(killed)
    with open(result, "w") as file:
        json.dump({"machine": machine.machine(), "commit": COMMIT, "seed": seed,
                   "seconds_uninterrupted": round(ends[-1], 1), "kills": moments,
                   "files_compared": len(hashes(whole)), "byte_identical": equal}, file, indent=1)
        file.write("\n")
    print("byte-identical" if equal else "DIFFERENT", flush=True)
    if not equal:
        sys.exit(1)


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
    if not values:
        return ""
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


def ablation_tables():
    found = {name: {r["seed"]: r for r in results(name)} for name in OVERRIDES}
    if not any(found[name] for name in OVERRIDES if name != "run"):
        return []
    machines = sorted({r["machine"] for name in found if name != "run" for r in found[name].values()})
    lines = ["", "## Ablations", "", "Two iterations of half-size shards; the gain from the first "
             "stage to the last. In the first three tables SFT alone learns, from 1,500 selected "
             "rows a stage. Differences are from the first row of the table, seed by seed. "
             "An instruction of the mini world has one tag for what is to be done and one for each "
             "word that says which variant of it; among equal counts the draw decides. "
             f"Machines: {'; '.join(machines)}."]
    for title, rows in ABLATIONS.items():
        lines += ["", f"| {title} | seeds | rating points | exact match, points | "
                  "difference, rating | difference, exact match |", "|---|---|---|---|---|---|"]
        first = found[next(iter(rows.values()))]
        for label, name in rows.items():
            runs = found[name]
            pairs = [(runs[seed], first[seed]) for seed in runs if seed in first]
            cells = [interval([gain(r, figure) for r in runs.values()])
                     for figure in ("rating", "exact_match")]
            cells += ["" if runs is first else
                      interval([gain(r, figure) - gain(f, figure) for r, f in pairs])
                      for figure in ("rating", "exact_match")]
            lines.append(f"| {label} | {len(runs)} | " + " | ".join(cells) + " |")
    return lines


def json_of(name):
    path = os.path.join(os.path.dirname(RESULTS), name)
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return json.load(file)


def judge_tables():
    """Of docs/evidence/judges.json: how near each board comes to the true order."""
    found = json_of("judges.json")
    if found is None:
        return []
    games = {"one, listed": "one game, the first listed sits first",
             "one, random": "one game, seats at random", "two": "two games, seats swapped"}
    lines = ["", "## The offline rating against true skill", "",
             f"{len(found['share_of_long_answers'])} models of one flywheel (seed {found['seed']}), true "
             f"skill: exact match on {found['truth_prompts']} prompts; boards from "
             f"{found['board_prompts']} of them, all pairs. Noise is the standard deviation of each score "
             "(1 to 10), position what the first seat gets, length what a longer answer gets times "
             "(longer - shorter) / (longer + shorter). Each model puts a share of its own of its answers "
             "into a longer sentence that says nothing more.", "",
             "| judge | games | style control | Spearman (95%) | Kendall (95%) |", "|---|---|---|---|---|"]
    for board in found["boards"]:
        figures = [board["agreement"][name] for name in ("spearman", "kendall")]
        lines.append(f"| {board['judge']} | {games[board['games']]} | "
                     f"{'yes' if board['style_control'] else ''} | " + " | ".join(
                         f"{f['value']:.3f} ({f['lower']:.3f} to {f['upper']:.3f})" for f in figures) + " |")
    return lines


def kill_lines():
    found = json_of("flywheel_kills.json")
    if found is None:
        return []
    moments = ", ".join(str(kill["parts_finished"]) for kill in found["kills"])
    return ["", "## Kills", "", f"`--fast`, seed {found['seed']}, killed with -9 {len(found['kills'])} times "
            f"at random moments (parts of the run that were finished then: {moments}) and continued: "
            f"{found['files_compared']} files, leaderboard, lineage and data, are "
            f"{'byte-identical to' if found['byte_identical'] else 'DIFFERENT from'} those of an "
            "uninterrupted run."]


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
    lines += ablation_tables() + judge_tables() + kill_lines()
    with open(os.path.join(ROOT, "docs", "evidence.md"), "w") as file:
        file.write("\n".join(lines) + "\n")
    print("\n".join(lines))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["runs", "ablations", "kills", "tables"])
    parser.add_argument("--seeds")
    parser.add_argument("--arena", default=os.path.join(ROOT, "build", "release", "arena"))
    arguments = parser.parse_args()
    if arguments.what == "runs":
        run_all(arguments.arena, ["run"], seeds_of(arguments.seeds or "101-110"))
    if arguments.what == "ablations":
        run_all(arguments.arena, [name for name in OVERRIDES if name != "run"],
                seeds_of(arguments.seeds or "201-205"))
    if arguments.what == "kills":
        return kills(arguments.arena, seeds_of(arguments.seeds or "1")[0])
    tables()


if __name__ == "__main__":
    main()

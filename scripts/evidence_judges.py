#!/usr/bin/python3
"""How well the offline rating finds the true order of a pool of models, under judges with known
faults; scripts/evidence.sh calls it and docs/evidence/judges.json keeps what it found.

    scripts/evidence_judges.py run     the pool, its true skill, and a board for each judge
    scripts/evidence_judges.py judge   a judge for `kind = "command"`: JSON lines in, scores out

The pool: base, rivals and all checkpoints of one flywheel on the mini world. True skill: exact match
on 20,000 test prompts. The boards come from 300 of them, everyone against everyone. The answers are
the models', but each model puts a share of its own of them into a longer sentence, which says
nothing more; so there is a length to prefer.
"""
import argparse
import difflib
import functools
import hashlib
import json
import math
import os
import random
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import machine  # noqa: E402
WORK = os.path.join(ROOT, "build", "evidence", "judges")
RESULT = os.path.join(ROOT, "docs", "evidence", "judges.json")
SEED = 301
TRUTH_PROMPTS = 20000
BOARD_PROMPTS = 300
LONG = "Let me think about what was asked. After some thought I would say: "
LOWEST, HIGHEST = -40, 50  # of a disturbed score; `arena` makes 1 to 10 of it

# Scores are from 1 to 10. Noise: standard deviation, of each score. Position: what the first seat
# gets. Length: what the longer answer gets, times (longer - shorter) / (longer + shorter) in words.
JUDGES = {
    "reference": {},
    "noise 3": {"noise": 3},
    "noise 9": {"noise": 9},
    "position 1": {"position": 1},
    "position 4": {"position": 4},
    "position 4, noise 3": {"position": 4, "noise": 3},
    "length 2": {"length": 2},
    "length 6": {"length": 6},
    "length 6, noise 3": {"length": 6, "noise": 3},
}


@functools.lru_cache(maxsize=1 << 20)
def quality(answer, reference):
    """10 for the reference, else up to 6 for what resembles it."""
    answer = answer.removeprefix(LONG)
    if answer == reference:
        return 10.0
    return 1 + 5 * difflib.SequenceMatcher(None, answer, reference, autojunk=False).ratio()


def disturbed(game, noise, position, length):
    first, second = game["first"][-1], game["second"][-1]
    reference = game["instruction"]["reference"]
    # The same game gets the same noise again.
    draws = random.Random(hashlib.sha256(json.dumps([reference, first, second]).encode()).digest())
    words = len(first.split()), len(second.split())
    lean = length * (words[0] - words[1]) / max(1, sum(words))
    return (quality(first, reference) + position + lean / 2 + draws.gauss(0, noise),
            quality(second, reference) - lean / 2 + draws.gauss(0, noise))


def judge(arguments):
    for line in sys.stdin:
        game = json.loads(line)
        first, second = disturbed(game, arguments.noise, arguments.position, arguments.length)
        print(json.dumps({"id": game["id"], "score_first": first, "score_second": second}),
              flush=True)


def arena(program, *options, out=None):
    done = subprocess.run([program, *options], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join([program, *options])}: exit code {done.returncode}")
    if out:
        with open(os.path.join(WORK, out), "w") as file:
            file.write(done.stdout)
    return done.stdout


def rows(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def wilson(share, n, z=1.96):
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return centre - half, centre + half


def answers_of_pool(program):
    """Model -> its answers to all prompts; the pool and its answers are made where missing."""
    run = os.path.join(WORK, "run")
    arena(program, "flywheel", "run", "-c", os.path.join(ROOT, "examples", "mini", "arena.toml"),
          "--workdir", run, "--seed", str(SEED))
    world = os.path.join(WORK, "world")
    if not os.path.exists(os.path.join(world, "test.jsonl")):
        arena(program, "mini", world, "--seed", str(SEED + 1), "--train", "1", "--dev", "1",
              "--test", str(TRUTH_PROMPTS), "--scale", "0")
    checkpoints = os.path.join(run, "checkpoints")
    pool = sorted(name for name in os.listdir(checkpoints) if not name.startswith("RM-"))
    answers = {}
    for name in pool:
        out = os.path.join(WORK, f"answers-{name}.jsonl")
        arena(program, "generate", "--model", os.path.join(checkpoints, name), "--input",
              os.path.join(world, "test.jsonl"), "--output", out, "--max-new-tokens", "16")
        answers[name] = [row["messages"][-1]["content"] for row in rows(out)]
    return rows(os.path.join(world, "test.jsonl")), answers


def write_inputs(prompts, answers):
    """The true board, the instructions of the battles and the answers in their lengths."""
    with open(os.path.join(WORK, "truth.csv"), "w") as file:
        file.write("name,rating,lower,upper\n")
        for name, texts in answers.items():
            share = sum(text == prompt["reference"] for text, prompt in zip(texts, prompts)) / len(texts)
            file.write(f"{name},{share},{','.join(map(str, wilson(share, len(texts))))}\n")
    with open(os.path.join(WORK, "instructions.jsonl"), "w") as file:
        for prompt in prompts[:BOARD_PROMPTS]:
            file.write(json.dumps(prompt) + "\n")
    draws = random.Random(SEED)
    shares = {name: draws.random() for name in answers}  # of its answers that are long
    with open(os.path.join(WORK, "answers.jsonl"), "w") as file:
        for name, texts in answers.items():
            for prompt, text in zip(prompts[:BOARD_PROMPTS], texts):
                long = LONG if draws.random() < shares[name] else ""
                file.write(json.dumps({"id": prompt["id"], "model": name, "answer": long + text}) + "\n")
    return shares


def write_config(name, settings, pool):
    path = os.path.join(WORK, name.replace(", ", "-").replace(" ", "") + ".toml")
    command = ["/usr/bin/python3", os.path.abspath(__file__), "judge"]
    for key, value in settings.items():
        command += [f"--{key}", str(value)]
    with open(path, "w") as file:
        file.write(f'[arena]\nstore = "{os.path.basename(path)[:-5]}.db"\n'
                   '[instructions]\nfiles = ["instructions.jsonl"]\n'
                   f'[judge]\nkind = "command"\nname = "{name}"\ncommand = {json.dumps(command)}\n'
                   f'workers = 2\nlowest = {LOWEST}\nhighest = {HIGHEST}\n')
        for model in pool:
            file.write(f'[[contestant]]\nname = "{model}"\nfile = "answers.jsonl"\n')
    return path


def one_game(battles, seats):
    """The battles with one of their two games: the first, or one at random."""
    draws = random.Random(SEED)
    path = os.path.join(WORK, "one.jsonl")
    with open(path, "w") as file:
        for battle in battles:
            game = 0 if seats == "listed" else draws.randrange(2)
            file.write(json.dumps({**battle, "games": [battle["games"][game]]}) + "\n")
    return path


def run(arguments):
    os.makedirs(WORK, exist_ok=True)
    prompts, answers = answers_of_pool(arguments.arena)
    shares = write_inputs(prompts, answers)
    found = []
    for name, settings in JUDGES.items():
        config = write_config(name, settings, answers)
        arena(arguments.arena, "battle", "-c", config)
        store = config[:-5] + ".db"
        battles_file = os.path.join(WORK, "battles.jsonl")
        arena(arguments.arena, "export", "--store", store, "--format", "jsonl", out="battles.jsonl")
        battles = rows(battles_file)
        for games, style in [("one, listed", False), ("one, random", False), ("two", False),
                             ("two", True)]:
            file = battles_file if games == "two" else one_game(battles, games.split()[1])
            options = ["--style-control"] if style else []
            arena(arguments.arena, "rank", "--format", "arena", file, "--json", *options,
                  out="board.json")
            agreement = json.loads(arena(arguments.arena, "agree", os.path.join(WORK, "board.json"),
                                         os.path.join(WORK, "truth.csv"), "--json"))
            found.append({"judge": name, **settings, "games": games, "style_control": style,
                          "agreement": agreement})
            print(name, games, style, json.dumps(agreement)[:200], flush=True)
    with open(RESULT + ".tmp", "w") as file:
        json.dump({"machine": machine.machine(), "commit": machine.commit(), "seed": SEED,
                   "truth_prompts": TRUTH_PROMPTS, "board_prompts": BOARD_PROMPTS,
                   "share_of_long_answers": shares, "boards": found}, file, indent=1)
        file.write("\n")
    os.replace(RESULT + ".tmp", RESULT)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("--arena", default=os.path.join(ROOT, "build", "release", "arena"))
    judging = commands.add_parser("judge")
    for name in ("noise", "position", "length"):
        judging.add_argument(f"--{name}", type=float, default=0)
    arguments = parser.parse_args()
    {"run": run, "judge": judge}[arguments.command](arguments)


if __name__ == "__main__":
    main()

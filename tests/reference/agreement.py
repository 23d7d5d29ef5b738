#!/usr/bin/python3
"""The program's trainers beside the reference trainers (train_reference.py) on the mini world.

    agreement.py --arena build/release/arena --work DIR [--seeds 3] [--small] [--out FILE.json]

Both train on the same token data with the same settings, for each seed: SFT from the same base,
DPO and a reward model from the same SFT model, PPO with the same reward model; SFT, preferences and
PPO have prompts of their own. Compared are the exact match of greedy answers, the preference
accuracy of DPO and the accuracy of the reward model, all held out; of PPO whether it raises its
reward, how far it goes from its reference, and what its exact match gains over the SFT model's.
`--small` takes few steps and one seed: a check that both run alike, not a measurement.

Exits with 1 where a mean over the seeds differs by more than --tolerance points, PPO's reward does
not rise, or PPO lowers the mean exact match by more than a point (--small: 10): one standard error
of the mean gain over three seeds of 2,000 prompts is about 0.4 points. Needs python3-torch.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "bench"))
import machine  # noqa: E402

REFERENCE = [sys.executable, os.path.join(HERE, "train_reference.py")]
# Steps of each training and numbers of prompts.
FULL = {"base": 827, "sft": 600, "dpo": 60, "rm": 120, "ppo": 60,
        "demonstrations": 12000, "preferences": 4000, "prompts": 4000, "dev": 2000}
SMALL = {"base": 200, "sft": 60, "dpo": 15, "rm": 30, "ppo": 8,
         "demonstrations": 4000, "preferences": 1000, "prompts": 1000, "dev": 250}
SFT = {"learning_rate": "1.5e-3", "schedule": "linear", "batch_size": "64", "beta2": "0.98"}
DPO = {**SFT, "learning_rate": "2e-4", "beta": "0.1", "sft_weight": "0.5"}
RM = {**SFT, "learning_rate": "5e-4", "likelihood_weight": "0.5", "likelihood_loss_weight": "0.3"}
# Steps and learning rate of PPO were chosen on the world's test split, which is not used here.
PPO = {"learning_rate": "3e-5", "schedule": "linear", "beta2": "0.95", "rollout_batch": "128",
       "samples_per_prompt": "4", "minibatch": "128", "max_new_tokens": "12",
       "value_learning_rate": "1e-3", "kl_coefficient": "0.05", "reward_clip": "3",
       "missing_eos_penalty": "2"}


class Runs:
    def __init__(self, args):
        self.arena, self.work, self.plan = args.arena, args.work, SMALL if args.small else FULL

    def path(self, *names):
        return os.path.join(self.work, *names)

    def run(self, command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def train(self, kind, model, data, out, settings, **more):
        """By the program, unless it is done; returns the token data that it made."""
        out = self.path(out)
        if not os.path.exists(os.path.join(out, "model.safetensors")):
            options = [x for key, value in settings.items() for x in ("--set", f"{key}={value}")]
            files = [x for key, value in more.items() for x in ("--" + key.replace("_", "-"), value)]
            self.run([self.arena, "train", kind, "--model", self.path(model), "--data",
                      self.path(data), "--out", out, *options, *files])
        job = json.load(open(os.path.join(out, "job.json")))
        return job["data"]

    def reference(self, kind, model, tokens, out, settings, **more):
        """The same by the reference; its events."""
        out = self.path(out)
        log = out + ".log"
        if not os.path.exists(log):
            options = [x for key, value in settings.items() for x in ("--set", f"{key}={value}")]
            files = [x for key, value in more.items() for x in ("--" + key.replace("_", "-"), value)]
            text = self.run([*REFERENCE, kind, "--model", self.path(model), "--data", tokens, "--out",
                             out, *options, *files])
            open(log, "w").write(text)
        return [json.loads(line) for line in open(log)]

    def evaluate(self, model, tokens):
        return json.loads(self.run([*REFERENCE, "evaluate", "--model", self.path(model), "--data",
                                    tokens]))

    def rows(self, name):
        return [json.loads(line) for line in open(self.path(name))]

    def write(self, name, rows):
        with open(self.path(name), "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)


def user(prompt):
    return {"role": "user", "content": prompt}


def make_data(runs):
    """World, base model, demonstrations, preferences (the base's wrong samples lose), prompts."""
    if os.path.exists(runs.path("done.json")):
        return
    plan = runs.plan
    slices = [plan[name] for name in ("demonstrations", "preferences", "prompts")]
    runs.run([runs.arena, "mini", runs.work, "--seed", "11", "--train", str(sum(slices)), "--dev",
              str(plan["dev"]), "--test", "10"])
    runs.train("sft", "model", "data/base.jsonl", "base",
               {**SFT, "learning_rate": "2e-3", "steps": str(plan["base"])})
    train = runs.rows("train.jsonl")
    for name, rows in (("sft.jsonl", train[:slices[0]]), ("dev-sft.jsonl", runs.rows("dev.jsonl"))):
        runs.write(name, [{"prompt": r["prompt"], "completion": r["reference"]} for r in rows])
    preferred = train[slices[0]:slices[0] + slices[1]]
    for name, rows in (("pairs.jsonl", preferred), ("dev-pairs.jsonl", runs.rows("dev.jsonl"))):
        runs.write("asked.jsonl", [{"messages": [user(r["prompt"])]} for r in rows])
        answers = runs.path("answered.jsonl")
        if os.path.exists(answers):
            os.remove(answers)
        runs.run([runs.arena, "generate", "--model", runs.path("base"), "--input",
                  runs.path("asked.jsonl"), "--output", answers, "--temperature", "1",
                  "--max-new-tokens", "16", "--seed", "3"])
        pairs = []
        for row, answer in zip(rows, runs.rows("answered.jsonl")):
            text = answer["messages"][-1]["content"]
            if text.strip() and text != row["reference"]:
                pairs.append({"prompt": row["prompt"], "chosen": row["reference"], "rejected": text})
        runs.write(name, pairs)
    runs.write("prompts.jsonl", [{"prompt": r["prompt"]} for r in train[-slices[2]:]])
    json.dump({}, open(runs.path("done.json"), "w"))


def compare(runs, seed):
    """The numbers of both on one seed."""
    plan = runs.plan
    own, ref = {}, {}

    def settings(base, steps):
        return {**base, "steps": str(steps), "seed": str(seed)}

    # Token data of what is held out come from trainings of no length worth.
    dev = runs.train("sft", "base", "dev-sft.jsonl", "dev-sft", {**SFT, "steps": "1"})
    dev_pairs = runs.train("dpo", "base", "dev-pairs.jsonl", "dev-dpo", {**DPO, "steps": "1"})

    sft = settings(SFT, plan["sft"])
    tokens = runs.train("sft", "base", "sft.jsonl", f"sft-{seed}", sft)
    runs.reference("sft", "base", tokens, f"sft-{seed}-reference", sft)
    own["sft_exact_match"] = runs.evaluate(f"sft-{seed}", dev)["exact_match"]
    ref["sft_exact_match"] = runs.evaluate(f"sft-{seed}-reference", dev)["exact_match"]

    for kind, base in (("dpo", DPO), ("rm", RM)):
        options = settings(base, plan[kind])
        tokens = runs.train(kind, f"sft-{seed}", "pairs.jsonl", f"{kind}-{seed}", options)
        runs.reference(kind, f"sft-{seed}", tokens, f"{kind}-{seed}-reference", options)
        own[f"{kind}_accuracy"] = runs.evaluate(f"{kind}-{seed}", dev_pairs)["accuracy"]
        ref[f"{kind}_accuracy"] = runs.evaluate(f"{kind}-{seed}-reference", dev_pairs)["accuracy"]

    ppo = settings(PPO, plan["ppo"])
    if plan is SMALL:
        ppo["learning_rate"] = "3e-4"  # so that its few steps show
    reward = runs.path(f"rm-{seed}")
    tokens = runs.train("ppo", f"sft-{seed}", "prompts.jsonl", f"ppo-{seed}", ppo,
                        reward_model=reward)
    events = runs.reference("ppo", f"sft-{seed}", tokens, f"ppo-{seed}-reference", ppo,
                            reward_model=reward)
    steps = {"own": runs.rows(f"ppo-{seed}/metrics.jsonl"),
             "ref": [e for e in events if e["type"] == "step"]}
    for name, numbers in (("own", own), ("ref", ref)):
        third = max(1, len(steps[name]) // 3)
        mean = [statistics.mean(s["reward"] for s in part)
                for part in (steps[name][:third], steps[name][-third:])]
        numbers["ppo_reward_rise"] = mean[1] - mean[0]
        numbers["ppo_kl"] = steps[name][-1]["kl"]
    own["ppo_exact_match"] = runs.evaluate(f"ppo-{seed}", dev)["exact_match"]
    ref["ppo_exact_match"] = runs.evaluate(f"ppo-{seed}-reference", dev)["exact_match"]
    # Both start from the program's SFT model.
    for numbers in (own, ref):
        numbers["ppo_exact_match_gain"] = numbers["ppo_exact_match"] - own["sft_exact_match"]
    return {"seed": seed, "arena": own, "reference": ref}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arena", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--tolerance", type=float, default=3, help="points; --small: 10")
    parser.add_argument("--out")
    args = parser.parse_args()
    try:
        import torch  # noqa: F401
    except ImportError as missing:
        print(f"skipped: {missing}; install python3-torch")
        sys.exit(77)
    os.makedirs(args.work, exist_ok=True)
    runs = Runs(args)
    make_data(runs)
    results = []
    for seed in range(1, 1 + (1 if args.small else args.seeds)):
        results.append(compare(runs, seed))
        print(json.dumps(results[-1]), flush=True)
    tolerance = 10 if args.small else args.tolerance
    failed = False
    print(f"{'mean over seeds':<20}{'arena':>9}{'reference':>11}{'points':>9}")
    for name in results[0]["arena"]:
        own, ref = (statistics.mean(r[side][name] for r in results) for side in ("arena", "reference"))
        is_share = "reward" not in name and "kl" not in name
        points = f"{100 * (own - ref):+9.1f}" if is_share else ""
        print(f"{name:<20}{own:>9.3f}{ref:>11.3f}{points}")
        failed |= is_share and abs(own - ref) * 100 > tolerance
        failed |= name == "ppo_exact_match_gain" and 100 * own < (-10 if args.small else -1)
    failed |= any(r["arena"]["ppo_reward_rise"] <= 0 for r in results)
    if args.out:
        json.dump({"machine": machine.machine(), "commit": machine.commit(), "plan": runs.plan,
                   "settings": {"sft": SFT, "dpo": DPO, "rm": RM, "ppo": PPO},
                   "tolerance_points": tolerance, "seeds": results}, open(args.out, "w"), indent=1)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

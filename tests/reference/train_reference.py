#!/usr/bin/python3
"""SFT, DPO, reward model and PPO a second time, in python3-torch: a test tool, not a product.

It reads and writes the same files as the program's trainers (token data as safetensors, Hugging
Face directories of the Llama family) and takes settings of the same names, so that the same run
can be made by both and compared. Everything is float32 and slow but short; the order of the data
is numpy's, so runs agree statistically and not bit for bit.

    train_reference.py sft --model DIR --data TOKENS --out DIR --set learning_rate=1.5e-3
    train_reference.py dpo --model DIR --data TOKENS --out DIR --set beta=0.1 --set sft_weight=0.5
    train_reference.py rm  --model DIR --data TOKENS --out DIR --set likelihood_weight=0.5
    train_reference.py ppo --model DIR --data TOKENS --out DIR --reward-model DIR
                           [--ptx-data TOKENS --set ptx_weight=0.5]
    train_reference.py evaluate --model DIR --data TOKENS
    train_reference.py logprobs --model DIR --data TOKENS
    train_reference.py grads --model DIR --data TOKENS --out FILE.safetensors
    train_reference.py speed --model DIR --batch 64 --length 16 --steps 50 --threads 1
                             --precision f32

`evaluate` prints, for preferences, how often the model puts the chosen answer first (a reward
model by its score, else by log-probability), and otherwise the loss and the share of answers that
greedy decoding gives exactly. `logprobs` prints the log-probability of each sequence's learned
tokens, `grads` writes the gradient of the mean loss over all of them for each parameter. `speed`
prints training tokens/s of forward, backward and AdamW, eager, on random tokens.

Needs Debian's python3-torch and libopenblas0-pthread (/usr/bin/python3): with the reference BLAS
float32 is fifty times slower. One thread unless --threads says otherwise.
"""

import os
import sys

THREADS = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv[:-1] else "1"
# Read when torch loads its libraries. Two pools of threads for bfloat16 stand in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1" if "bf16" in sys.argv else THREADS)
os.environ.setdefault("OMP_NUM_THREADS", THREADS)

import argparse  # noqa: E402
import json  # noqa: E402
import time  # noqa: E402

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

import llama  # noqa: E402
import trainers  # noqa: E402
from files import TokenData, read_model, write_model, write_safetensors  # noqa: E402


def parse_settings(trainer, given):
    """The defaults of a trainer with KEY=VALUE put in; an unknown key is an error."""
    settings = dict(trainers.DEFAULTS[trainer])
    for entry in given:
        key, _, value = entry.partition("=")
        if key not in settings:
            raise ValueError(f"{trainer} has no setting {key}; it has {', '.join(settings)}")
        kind = type(settings[key])
        if kind is bool and value not in ("true", "false"):
            raise ValueError(f"{key} is true or false, not {value}")
        settings[key] = value == "true" if kind is bool else kind(value)
    return settings


def load(directory):
    """(weights, config), the weights as float32 tensors by name."""
    config, arrays = read_model(directory)
    llama.check_config(config)
    return {name: torch.tensor(array, dtype=torch.float32) for name, array in arrays.items()}, config


def numpy_weights(weights):
    return {name: weight.detach().numpy() for name, weight in weights.items()}


def train(args):
    settings = parse_settings(args.command, args.set)
    torch.manual_seed(settings["seed"])
    weights, config = load(args.model)
    data = TokenData(args.data)
    if (data.margins is None) == (args.command in ("dpo", "rm")):
        raise ValueError(f"{args.data} is not the kind of data that {args.command} learns from")
    started = time.monotonic()
    if args.command == "ppo":
        if not args.reward_model:
            raise ValueError("ppo needs --reward-model")
        ptx = TokenData(args.ptx_data) if args.ptx_data else None
        trainers.ppo(weights, config, data, settings, load(args.reward_model), ptx)
    else:
        getattr(trainers, args.command)(weights, config, data, settings)
    write_model(args.out, config, numpy_weights(weights), args.model)
    trainers.report("done", seconds=time.monotonic() - started)


def evaluate(args):
    weights, config = load(args.model)
    data = TokenData(args.data)
    with torch.no_grad():
        if data.margins is not None:
            print(json.dumps({"accuracy": trainers.preference_accuracy(weights, config, data)}))
            return
        tokens = sum(mask.sum() for mask in data.masks)
        loss = -float(trainers.all_log_probs(weights, config, data).sum()) / float(tokens)
        print(json.dumps({"loss": loss,
                          "exact_match": trainers.exact_match(weights, config, data)}))


def logprobs(args):
    weights, config = load(args.model)
    print(json.dumps(trainers.all_log_probs(weights, config, TokenData(args.data)).tolist()))


def grads(args):
    weights, config = load(args.model)
    data = TokenData(args.data)
    for weight in weights.values():
        weight.requires_grad_(True)
    batch = trainers.Batch(data, range(len(data.sequences)))
    loss = trainers.negative_log_likelihood(weights, config, batch)
    loss.backward()
    write_safetensors(args.out, {name: weight.grad.numpy() for name, weight in weights.items()})
    print(json.dumps({"loss": float(loss)}))


def speed(args):
    torch.set_num_threads(args.threads)
    dtype = torch.bfloat16 if args.precision == "bf16" else torch.float32
    weights, config = load(args.model)
    for weight in weights.values():
        weight.requires_grad_(True)
    optimizer = torch.optim.AdamW(weights.values(), lr=1e-4, betas=(0.9, 0.98))
    ids = torch.randint(config["vocab_size"], (args.batch, args.length))
    warmup, started = 3, 0.0
    for step in range(warmup + args.steps):
        if step == warmup:
            started = time.monotonic()
        hidden = llama.hidden_states(weights, config, ids, dtype=dtype)
        scores = llama.logits(weights, config, hidden[:, :-1], dtype)
        loss = F.cross_entropy(scores.reshape(-1, scores.shape[-1]), ids[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    seconds = time.monotonic() - started
    print(json.dumps({"tokens_per_second": args.batch * args.length * args.steps / seconds,
                      "precision": args.precision, "threads": args.threads, "batch": args.batch,
                      "length": args.length, "steps": args.steps}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("sft", "dpo", "rm", "ppo", "evaluate", "logprobs", "grads", "speed"):
        command = commands.add_parser(name)
        command.add_argument("--model", required=True)
        command.add_argument("--threads", type=int, default=1)
        if name != "speed":
            command.add_argument("--data", required=True)
        if name in trainers.DEFAULTS or name == "grads":
            command.add_argument("--out", required=True)
        if name in trainers.DEFAULTS:
            command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
        if name == "ppo":
            command.add_argument("--reward-model")
            command.add_argument("--ptx-data")
        if name == "speed":
            command.add_argument("--batch", type=int, default=64)
            command.add_argument("--length", type=int, default=16)
            command.add_argument("--steps", type=int, default=50)
            command.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run = {"evaluate": evaluate, "logprobs": logprobs, "grads": grads, "speed": speed}
    try:
        run.get(args.command, train)(args)
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"train_reference.py {args.command}: {error}")


if __name__ == "__main__":
    main()

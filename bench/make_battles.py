#!/usr/bin/env python3
"""Writes a seeded CSV of battles: model_a,model_b,winner, with --style also the style counts.

    python3 bench/make_battles.py battles.csv --battles 1000000
    python3 bench/make_battles.py style.csv --battles 100000 --style

Winners follow a Bradley-Terry model with ties; with --style longer answers win more often.
Needs python3-numpy and python3-pandas.
"""
import argparse

import numpy as np
import pandas as pd

STYLE_COLUMNS = ("sum_assistant_{}_tokens", "header_count_{}", "list_count_{}", "bold_count_{}")
TIE_SHARE = 0.15


def draw_styles(rng, count):
    tokens = np.maximum(1, rng.lognormal(5.6, 0.7, count)).astype(np.int64)
    return np.stack([tokens, rng.poisson(1.5, count), rng.poisson(5, count), rng.poisson(4, count)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--battles", type=int, default=1_000_000)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--style", action="store_true")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    skill = rng.uniform(-1.5, 1.5, args.models)
    a = rng.integers(0, args.models, args.battles)
    b = (a + rng.integers(1, args.models, args.battles)) % args.models
    logit = skill[a] - skill[b]
    columns = {}
    if args.style:
        style_a, style_b = draw_styles(rng, args.battles), draw_styles(rng, args.battles)
        logit = logit + (style_a[0] - style_b[0]) / (style_a[0] + style_b[0] + 1)
        for side, style in (("a", style_a), ("b", style_b)):
            for name, values in zip(STYLE_COLUMNS, style):
                columns[name.format(side)] = values
    wins = rng.random(args.battles) < 1 / (1 + np.exp(-logit))
    winner = np.where(wins, "model_a", "model_b")
    winner = np.where(rng.random(args.battles) < TIE_SHARE, "tie", winner)
    names = np.array([f"model-{i:03}" for i in range(args.models)])
    frame = pd.DataFrame({"model_a": names[a], "model_b": names[b], "winner": winner, **columns})
    frame.to_csv(args.file, index=False)


if __name__ == "__main__":
    main()

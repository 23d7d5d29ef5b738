#!/usr/bin/env python3
"""The ratings of `arena rank` written once more with numpy, scipy and pandas, as a yardstick.

    python3 bench/rating_reference.py bt FILE --rounds 100
    python3 bench/rating_reference.py style FILE --rounds 20

FILE is a CSV with model_a,model_b,winner, for `style` also the columns of make_battles.py --style.
`bt`: Bradley-Terry on unique (a, b, outcome) rows, multinomial bootstrap over those rows.
`style`: logistic regression of contestants and four z-scored style differences
(a-b)/(a+b+1), bootstrap over battles. Both minimise the negative log likelihood plus
ridge/2 * sum of squares by L-BFGS with the analytic gradient from the estimate on all battles (or, with
--cold, from zero, as the peers' tools do), with the rounds shared out to two processes. Ratings are the medians of the rounds, bounds the 2.5 and
97.5 percentiles, in points of 400 per factor 10 of the odds around a mean of 1000.

Prints one JSON line: method, rounds, battles, read_s (from opening the file to a data frame),
fit_s (all the rest), total_s and the ratings, best first.
Needs python3-numpy, python3-scipy and python3-pandas.
"""
import argparse
import json
import multiprocessing
import os
import time

# One thread of linear algebra per process: the two processes are the parallelism.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy.optimize import minimize  # noqa: E402
from scipy.special import expit  # noqa: E402

RIDGE = 1e-5
SHARES = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "tie (bothbad)": 0.5}
STYLE_COLUMNS = ("sum_assistant_{}_tokens", "header_count_{}", "list_count_{}", "bold_count_{}")
TOLERANCE = 1e-6
PROCESSES = 2


class Regression:
    """Rows (a, b, share, features) with weights: contestants' parameters, then the features'."""

    def __init__(self, a, b, share, features, contestants):
        self.a, self.b, self.share, self.features = a, b, share, features
        self.contestants = contestants

    def loss_and_gradient(self, x, weight):
        theta, beta = x[: self.contestants], x[self.contestants:]
        logit = theta[self.a] - theta[self.b]
        if len(beta):
            logit = logit + self.features @ beta
        # -log likelihood of a fractional outcome: softplus(logit) - share * logit
        loss = weight @ (np.logaddexp(0, logit) - self.share * logit) + RIDGE / 2 * (x @ x)
        excess = weight * (expit(logit) - self.share)
        gradient = RIDGE * x
        gradient[: self.contestants] += np.bincount(self.a, excess, self.contestants)
        gradient[: self.contestants] -= np.bincount(self.b, excess, self.contestants)
        if len(beta):
            gradient[self.contestants:] += excess @ self.features
        return loss, gradient

    def fit(self, weight, start):
        # In the mean loss per battle, so that the tolerance does not depend on their number.
        total = weight.sum()

        def mean(x):
            loss, gradient = self.loss_and_gradient(x, weight)
            return loss / total, gradient / total

        return minimize(mean, start, jac=True, method="L-BFGS-B",
                        options={"maxiter": 500, "gtol": TOLERANCE, "ftol": 1e-14}).x


# Set before the processes fork, so that they share it without copies.
regression = None
start = None
counts = None


def fit_round(seed):
    rng = np.random.default_rng(seed)
    items = int(counts.sum())
    if len(counts) == items:
        weight = np.bincount(rng.integers(0, items, items), minlength=items).astype(float)
        used = weight > 0
        features = regression.features[used] if regression.features is not None else None
        part = Regression(regression.a[used], regression.b[used], regression.share[used], features,
                          regression.contestants)
        return part.fit(weight[used], start)
    weight = rng.multinomial(items, counts / items).astype(float)
    return regression.fit(weight, start)


def style_features(frame):
    columns = []
    for name in STYLE_COLUMNS:
        a = frame[name.format("a")].to_numpy(float)
        b = frame[name.format("b")].to_numpy(float)
        columns.append((a - b) / (a + b + 1))
    features = np.stack(columns, axis=1)
    return (features - features.mean(axis=0)) / features.std(axis=0)


def build(frame, method):
    """The regression's rows with their counts, and the contestants' names."""
    codes, names = pd.factorize(pd.concat([frame["model_a"], frame["model_b"]]), sort=True)
    a, b = codes[: len(frame)], codes[len(frame):]
    share = frame["winner"].map(SHARES).to_numpy(float)
    if np.isnan(share).any():
        raise SystemExit("unknown winner label: " + str(frame["winner"][np.isnan(share)].iloc[0]))
    if method == "style":
        rows = Regression(a, b, share, style_features(frame), len(names))
        return rows, np.ones(len(frame)), names
    code = (a * len(names) + b) * 3 + (2 * share).astype(np.int64)
    unique, count = np.unique(code, return_counts=True)
    pair = unique // 3
    rows = Regression(pair // len(names), pair % len(names), (unique % 3) / 2.0, None, len(names))
    return rows, count.astype(float), names


def main():
    global regression, start, counts
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method", choices=("bt", "style"))
    parser.add_argument("file")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cold", action="store_true",
                        help="start every round from zero, as the peers do, and not from the estimate")
    args = parser.parse_args()

    began = time.perf_counter()
    frame = pd.read_csv(args.file)
    read = time.perf_counter()
    regression, counts, names = build(frame, args.method)
    parameters = regression.contestants + (4 if args.method == "style" else 0)
    start = regression.fit(counts, np.zeros(parameters))
    if args.cold:
        start = np.zeros(parameters)
    seeds = np.random.SeedSequence(args.seed).spawn(args.rounds)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        draws = np.array(pool.map(fit_round, seeds))
    points = draws[:, : regression.contestants] * 400 / np.log(10)
    points += 1000 - points.mean(axis=1, keepdims=True)
    lower, rating, upper = np.percentile(points, (2.5, 50, 97.5), axis=0)
    ended = time.perf_counter()

    order = np.argsort(-rating, kind="stable")
    result = {
        "method": args.method,
        "rounds": args.rounds,
        "battles": len(frame),
        "read_s": round(read - began, 4),
        "fit_s": round(ended - read, 4),
        "total_s": round(ended - began, 4),
        "contestants": [
            {"name": str(names[i]), "rating": rating[i], "lower": lower[i], "upper": upper[i]}
            for i in order
        ],
    }
    if args.method == "style":
        result["style"] = list(np.median(draws[:, regression.contestants:], axis=0))
    print(json.dumps(result))


if __name__ == "__main__":
    main()

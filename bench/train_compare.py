#!/usr/bin/python3
"""Training tokens/s of arena-lm beside python3-torch doing the same step, in one run.

    bench/train_compare.py [--shapes mini,60m,135m] [--rounds 3] [--precisions f32,bf16] [--out FILE]

A step is forward, backward and AdamW on random tokens, every token but the first learned. arena-lm
runs as one process and as two ranks that share the batch (Gloo on loopback); python3-torch, eager
with OpenBLAS (tests/reference/train_reference.py speed), with one thread, two threads, and as two
processes that do not even exchange gradients. Each round runs all of them one after another; the
figures are medians of the rounds, the ratio is our better one to the peer's best. The share of peak
is the arithmetic of a step (6 operations a token for each weight of a product, without attention's
products of activations) beside what OpenBLAS reaches with float32 matrices of 2048 in the same round,
one thread for one process and two threads for two ranks.

Needs build/release and Debian's python3-torch, libopenblas0-pthread.
"""
import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile

import machine
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "release")
REFERENCE = os.path.join(ROOT, "tests", "reference", "train_reference.py")
# Vocabulary, sequences of a step, their length, steps that are timed.
SHAPES = {"mini": (512, 64, 16, 60), "60m": (49152, 8, 128, 3), "135m": (49152, 8, 128, 2)}


def write_tokens(path, vocabulary, sequences, length):
    tokens = np.random.RandomState(1).randint(3, vocabulary, sequences * length).astype(np.int32)
    loss = np.ones((sequences, length), np.uint8)
    loss[:, 0] = 0
    arrays = {"tokens": ("I32", tokens), "loss": ("U8", loss.reshape(-1)),
              "ends": ("I64", np.arange(1, sequences + 1, dtype=np.int64) * length),
              "rows": ("I64", np.arange(1, sequences + 1, dtype=np.int64))}
    header, data = {}, b""
    for name, (dtype, array) in arrays.items():
        header[name] = {"dtype": dtype, "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def own_rate(work, shape, precision, ranks, port):
    vocabulary, batch, length, steps = SHAPES[shape]
    out = tempfile.mkdtemp(dir=work)
    tokens = os.path.join(work, f"{shape}.safetensors")
    write_tokens(tokens, vocabulary, batch * (steps + 2), length)
    job = os.path.join(out, "job.json")
    with open(job, "w") as file:
        json.dump({"trainer": "sft", "model": os.path.join(work, shape), "data": tokens, "out": out,
                   "settings": {"steps": str(steps + 2), "batch_size": str(batch),
                                "save_every": "0", "precision": precision}}, file)
    processes = []
    for rank in range(ranks):
        environment = dict(os.environ)
        if ranks > 1:
            environment.update(RANK=str(rank), WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1",
                               MASTER_PORT=str(port))
        processes.append(subprocess.Popen([os.path.join(BUILD, "libexec", "arena-lm"), "train", job],
                                          env=environment, stdout=subprocess.DEVNULL))
    if any(process.wait() != 0 for process in processes):
        sys.exit("train_compare.py: arena-lm failed")
    rates = [json.loads(line)["tokens_per_second"] for line in open(os.path.join(out, "metrics.jsonl"))]
    return len(rates[2:]) / sum(1 / rate for rate in rates[2:])


def peer_rate(work, shape, precision, threads, processes):
    _, batch, length, steps = SHAPES[shape]
    share = batch // processes
    command = [sys.executable, REFERENCE, "speed", "--model", os.path.join(work, shape), "--batch",
               str(share), "--length", str(length), "--steps", str(steps), "--threads", str(threads),
               "--precision", precision]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    outputs = [process.communicate()[0] for process in running]
    if any(process.returncode != 0 for process in running):
        return 0.0  # bfloat16 needs AVX-512
    return sum(json.loads(output)["tokens_per_second"] for output in outputs)


def peak_gflops(threads):
    """Of OpenBLAS, products of float32 matrices of 2048."""
    code = """
import time, numpy as np
a, b = (np.random.default_rng(i).random((2048, 2048), np.float32) for i in (1, 2))
a @ b
rates = []
for _ in range(5):
    start = time.perf_counter()
    a @ b
    rates.append(2 * 2048**3 / (time.perf_counter() - start))
print(max(rates) / 1e9)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=dict(os.environ, OPENBLAS_NUM_THREADS=str(threads)))
    return float(done.stdout)


def operations_per_token(work, shape):
    """Forward and backward, of the weights that are multiplied with."""
    done = subprocess.run([os.path.join(BUILD, "arena"), "model", "info", os.path.join(work, shape), "--json"],
                          capture_output=True, text=True, check=True)
    info = json.loads(done.stdout)
    looked_up = 0 if info["tied_head"] else info["vocabulary"] * info["hidden_size"]
    return 6 * (info["parameters"] - looked_up)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", default="mini,60m,135m")
    parser.add_argument("--precisions", default="f32,bf16")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out")
    args = parser.parse_args()
    cases = {"arena 1 process": lambda w, s, p, i: own_rate(w, s, p, 1, 0),
             "arena 2 ranks": lambda w, s, p, i: own_rate(w, s, p, 2, 29700 + i),
             "torch 1 thread": lambda w, s, p, i: peer_rate(w, s, p, 1, 1),
             "torch 2 threads": lambda w, s, p, i: peer_rate(w, s, p, 2, 1),
             "torch 2 processes": lambda w, s, p, i: peer_rate(w, s, p, 1, 2),
             "peak 1 thread, GFLOP/s": lambda w, s, p, i: peak_gflops(1),
             "peak 2 threads, GFLOP/s": lambda w, s, p, i: peak_gflops(2)}
    report = []
    with tempfile.TemporaryDirectory() as work:
        for shape in args.shapes.split(","):
            subprocess.run([os.path.join(BUILD, "arena"), "model", "new", "--shape", shape, "--dtype",
                            "f32", "--vocabulary", str(SHAPES[shape][0]), "--out",
                            os.path.join(work, shape)], check=True, stdout=subprocess.DEVNULL)
            for precision in args.precisions.split(","):
                rates = {name: [] for name in cases}
                for i in range(args.rounds):
                    for name, measure in cases.items():
                        rates[name].append(measure(work, shape, precision, i))
                medians = {name: statistics.median(values) for name, values in rates.items()}
                own = max(v for name, v in medians.items() if name.startswith("arena"))
                peer = max(v for name, v in medians.items() if name.startswith("torch"))
                print(f"{shape} {precision}, tokens/s, median of {args.rounds}")
                for name, value in medians.items():
                    print(f"  {name:<18}{value:>10.0f}")
                operations = operations_per_token(work, shape) / 1e9
                shares = {name: medians[name] * operations / medians[peak] for name, peak in
                          (("arena 1 process", "peak 1 thread, GFLOP/s"),
                           ("arena 2 ranks", "peak 2 threads, GFLOP/s"))}
                print(f"  ratio {own / peer:.2f}" if peer else "  the peer cannot")
                print("  of the float32 peak: " + ", ".join(
                    f"{name} {100 * share:.0f}%" for name, share in shares.items()), flush=True)
                report.append({"shape": shape, "precision": precision, "medians": medians,
                               "ratio": own / peer if peer else None, "share_of_peak": shares})
    if args.out:
        with open(args.out, "w") as file:
            json.dump({"machine": machine.machine(), "commit": machine.commit(), "seed": 1,
                       "rounds": args.rounds, "shapes": SHAPES, "results": report}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()

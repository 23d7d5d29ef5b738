#!/usr/bin/env python3
"""Prints the expected values of rope_test.cpp: a second computation, from the papers' formulas.

Positions are thought of in wavelengths here (tokens per turn), where the C++ code works with
frequencies and exponents. Standard library only.
"""
import math


def wavelengths(theta, dim):
    return [2 * math.pi * theta ** (2 * i / dim) for i in range(dim // 2)]


def to_frequencies(waves):
    return [2 * math.pi / w for w in waves]


def linear(theta, dim, factor):
    return to_frequencies([w * factor for w in wavelengths(theta, dim)])


def dynamic(theta, dim, factor, context, length):
    stretch = 1 + factor * (max(length, context) / context - 1)
    return to_frequencies(wavelengths(theta * stretch ** (dim / (dim - 2)), dim))


def llama3(theta, dim, factor, low, high, context):
    out = []
    for w in wavelengths(theta, dim):
        turns = context / w  # full turns within the original context
        if turns > high:
            out.append(w)
        elif turns < low:
            out.append(w * factor)
        else:
            s = (turns - low) / (high - low)
            out.append(1 / ((1 - s) / (factor * w) + s / w))
    return to_frequencies(out)


def yarn(theta, dim, factor, context, fast=32, slow=1, truncate=True):
    def dimension(turns):  # solves wavelength(i) * turns = context for i
        return dim / 2 * math.log(context / (2 * math.pi * turns), theta)

    low, high = dimension(fast), dimension(slow)
    if truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    out = []
    for i, w in enumerate(wavelengths(theta, dim)):
        share = min(1, max(0, (i - low) / (high - low)))
        out.append(share / (factor * w) + (1 - share) / w)
    return [2 * math.pi * f for f in out]


def show(name, values):
    print(name, "{" + ", ".join(f"{v:.9g}" for v in values) + "}")


show("plain theta=10000 d=8", to_frequencies(wavelengths(10000, 8)))
show("linear factor=4", linear(10000, 8, 4))
show("dynamic factor=2 context=64 n=64", dynamic(10000, 8, 2, 64, 64))
show("dynamic factor=2 context=64 n=160", dynamic(10000, 8, 2, 64, 160))
show("llama3 theta=500000 d=16 factor=8 1 4 8192", llama3(500000, 16, 8, 1, 4, 8192))
show("yarn theta=10000 d=16 factor=4 context=2048", yarn(10000, 16, 4, 2048))
show("yarn not truncated", yarn(10000, 16, 4, 2048, truncate=False))
show("yarn beta 16 2", yarn(10000, 16, 4, 2048, 16, 2))
show("yarn magnitude factor=4", [0.1 * math.log(4) + 1])
show("yarn magnitude mscale 0.5 / 0.8 factor=40",
     [(0.05 * math.log(40) + 1) / (0.08 * math.log(40) + 1)])

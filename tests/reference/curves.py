#!/usr/bin/python3
"""The curves of agreement.py as one picture: the program's trainers beside the reference.

    curves.py --work DIR --out FILE.svg

One panel for each trainer: loss of SFT, DPO and the reward model, reward of PPO, over steps; thin
lines are the seeds, thick ones their mean over a window of a twentieth of the steps.
"""
import argparse
import json
import os

PANELS = (("sft", "SFT: loss", "loss"), ("dpo", "DPO: loss", "loss"),
          ("rm", "Reward model: loss", "loss"), ("ppo", "PPO: reward", "reward"))
WIDTH, HEIGHT, MARGIN = 400, 240, 44
SIDES = (("arena", "#1f6feb"), ("PyTorch", "#d1242f"))


def curve(file, key):
    with open(file) as lines:
        rows = [json.loads(line) for line in lines]
    return [row[key] for row in rows if key in row and row.get("type", "step") == "step"]


def smooth(values):
    window = max(1, len(values) // 20)
    return [sum(values[max(0, i - window + 1):i + 1]) / len(values[max(0, i - window + 1):i + 1])
            for i in range(len(values))]


def curves(work, kind, key):
    """By side: the seeds' curves."""
    found = {side: [] for side, _ in SIDES}
    for seed in range(1, 100):
        own = os.path.join(work, f"{kind}-{seed}", "metrics.jsonl")
        reference = os.path.join(work, f"{kind}-{seed}-reference.log")
        if not os.path.exists(reference):
            break
        found["arena"].append(curve(own, key))
        found["PyTorch"].append(curve(reference, key))
    return found


def polyline(values, low, high, width, colour, opacity):
    steps = max(1, len(values) - 1)
    points = " ".join(
        f"{MARGIN + i * (WIDTH - 2 * MARGIN) / steps:.1f},"
        f"{HEIGHT - MARGIN - (v - low) * (HEIGHT - 2 * MARGIN) / (high - low):.1f}"
        for i, v in enumerate(values))
    return (f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'opacity="{opacity}"/>')


def panel(title, found):
    smoothed = {side: [smooth(values) for values in of] for side, of in found.items()}
    every = [v for of in smoothed.values() for values in of for v in values]
    low, high = min(every), max(every)
    steps = max(len(values) for values in found["arena"])
    parts = [f'<text x="{MARGIN}" y="24" font-weight="bold">{title}</text>',
             f'<rect x="{MARGIN}" y="{MARGIN}" width="{WIDTH - 2 * MARGIN}" '
             f'height="{HEIGHT - 2 * MARGIN}" fill="none" stroke="#ccc"/>',
             f'<text x="{MARGIN - 4}" y="{MARGIN + 4}" text-anchor="end">{high:.2f}</text>',
             f'<text x="{MARGIN - 4}" y="{HEIGHT - MARGIN + 4}" text-anchor="end">{low:.2f}</text>',
             f'<text x="{MARGIN}" y="{HEIGHT - MARGIN + 16}">1</text>',
             f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - MARGIN + 16}" text-anchor="end">step {steps}</text>']
    for i, (side, colour) in enumerate(SIDES):
        parts.append(f'<text x="{WIDTH - MARGIN - 6}" y="{MARGIN + 16 + 14 * i}" text-anchor="end" '
                     f'fill="{colour}">{side}</text>')
        for values in smoothed[side]:
            parts.append(polyline(values, low, high, 0.8, colour, 0.45))
        mean = [sum(v) / len(v) for v in zip(*smoothed[side])]
        parts.append(polyline(mean, low, high, 2, colour, 1))
    return "".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    panels = [f'<g transform="translate({WIDTH * (i % 2)},{HEIGHT * (i // 2)})">'
              f"{panel(title, curves(args.work, kind, key))}</g>"
              for i, (kind, title, key) in enumerate(PANELS)]
    with open(args.out, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{2 * HEIGHT}" '
                   'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" '
                   f'fill="white"/>{"".join(panels)}</svg>\n')


if __name__ == "__main__":
    main()

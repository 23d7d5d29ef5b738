#!/usr/bin/env python3
"""Writes the recorded answers of this example; run it in this folder.

The questions are in questions.jsonl. What each invented contestant answers follows from its skill,
its style and a fixed seed, so that running this again changes nothing.
"""
import csv
import json
import random

# For every question: how one gets to the right answer, and two plausible wrong ones.
NOTES = {
    "arith-01": ("17 times 20 is 340, and 17 times 3 more is 51", ["381", "401"]),
    "arith-02": ("12 boxes hold 12 x 24 = 288 pencils; 288 - 35 remain", ["263", "243"]),
    "arith-03": ("three quarters of 96 is 3 x 24", ["64", "24"]),
    "arith-04": ("15% of 80 is 12, and 80 - 12 remain to be paid", ["65", "12"]),
    "arith-05": ("the pages read are 45 + 60 + 30 = 135, so 320 - 135 are left", ["195", "175"]),
    "arith-06": ("48 / 6 = 8 rows of seedlings, and 8 x 5 = 40 metres", ["48", "30"]),
    "arith-07": ("the sum of the numbers is 63 and there are 7 of them", ["7", "10.5"]),
    "arith-08": ("6 x 4.50 = 27 for adults and 3 x 2.00 = 6 for children", ["31", "58.5"]),
    "arith-09": ("one painter needs 4 x 6 = 24 hours, and three need a third of that", ["12", "4.5"]),
    "arith-10": ("half of 250 is 125, a fifth of that is 25, and 125 - 25 stay", ["75", "125"]),
    "arith-11": ("7 squared is 49 and 5 squared is 25", ["4", "74"]),
    "arith-12": ("x has to satisfy 3x = 36, so x = 12", ["16", "108"]),
    "units-01": ("a kilometre has 1,000 metres", ["35", "35000"]),
    "units-02": ("two hours are 120 minutes, and 45 more follow", ["145", "245"]),
    "units-03": ("a litre has 1,000 millilitres, and 1,000 / 125 fit", ["12.5", "80"]),
    "units-04": ("a week has 7 x 24 hours", ["148", "120"]),
    "units-05": ("one multiplies by 9/5 and adds 32: 45 + 32", ["57", "45"]),
    "units-06": ("a square metre has 100 x 100 square centimetres", ["100", "1000"]),
    "units-07": ("90 km in 60 minutes are 1.5 km a minute, and 1.5 x 40", ["36", "135"]),
    "units-08": ("a dozen is 12, and 12 x 12 = 144 is one gross", ["120", "24"]),
    "units-09": ("a tonne is 1,000 kilograms, and 1,000 / 25 bags", ["400", "4"]),
    "units-10": ("from 22:40 to midnight are 80 minutes, then 375 minutes follow", ["495", "435"]),
    "choice-01": ("spiders have eight legs and insects six", ["A", "D"]),
    "choice-02": ("the numbers are squares: 1, 4, 9, 16, and 25 follows", ["A", "B"]),
    "choice-03": ("water boils at a lower temperature where the pressure is lower", ["A", "C"]),
    "choice-04": ("51 is 3 x 17, and the others have no divisors", ["A", "D"]),
    "choice-05": ("the moon's gravity and the sun's raise the water", ["B", "D"]),
    "choice-06": ("a hexagon has six sides and so six corners", ["A", "C"]),
    "choice-07": ("all roses are flowers, but nothing says that a fading flower is a rose",
                  ["A", "B"]),
    "choice-08": ("binary 1011 is 8 + 2 + 1", ["A", "D"]),
    "choice-09": ("plants take up carbon dioxide and give off oxygen", ["A", "B"]),
    "choice-10": ("two coins show HH, HT, TH or TT, and one of the four is HH", ["A", "C"]),
    "words-01": ("the letters of 'stressed' read backwards", ["dessert", "stressed"]),
    "words-02": ("the opposite of expanding is contracting", ["expand", "enlarge"]),
    "words-03": ("the third word in the order of the alphabet is looked for", ["lemon", "cherry"]),
    "words-04": ("the irregular past of 'to bring'", ["brang", "bringed"]),
    "words-05": ("the first letters of the four words", ["wasp", "wave"]),
    "words-06": ("a young frog lives in water and has a tail", ["newt", "toad"]),
    "words-07": ("more than one mouse", ["mouses", "mices"]),
    "words-08": ("the word with the most letters is looked for", ["bicycle", "train"]),
}

# name, skill by category, style
CONTESTANTS = {
    "heron-9b": ({"arithmetic": 0.97, "units": 0.95, "choice": 0.90, "words": 0.92}, "worked"),
    "heron-2b": ({"arithmetic": 0.80, "units": 0.75, "choice": 0.75, "words": 0.70}, "worked"),
    "plover-7b": ({"arithmetic": 0.72, "units": 0.70, "choice": 0.92, "words": 0.90}, "markdown"),
    "wren-3b": ({"arithmetic": 0.75, "units": 0.55, "choice": 0.60, "words": 0.60}, "terse"),
    "sparrow-1b": ({"arithmetic": 0.35, "units": 0.25, "choice": 0.45, "words": 0.40}, "chatty"),
}


def worked(answer, note, right, rng):
    if not right:
        opening = ["Let me work it out.", "Going through it step by step."][rng.randrange(2)]
        return f"{opening} That leads to {answer}.\n\nAnswer: {answer}"
    return f"{note[0].upper()}{note[1:]}.\n\nAnswer: {answer}"


def markdown(answer, note, right, rng):
    step = f"Here, {note}." if right else "Apply it to the numbers and words given."
    return (
        "## Understanding the question\n\n"
        "Let us first look at **what is asked** and then at how to get there.\n\n"
        "## Steps\n\n"
        "1. Read the question carefully.\n"
        "2. Find the rule that applies.\n"
        f"3. {step}\n\n"
        "## Result\n\n"
        f"**Answer: {answer}**"
    )


def terse(answer, note, right, rng):
    return answer if rng.random() < 0.5 else f"Answer: {answer}"


def chatty(answer, note, right, rng):
    opening = [
        "Great question!",
        "Hmm, I think I know this one.",
        "Sure, happy to help!",
    ][rng.randrange(3)]
    return f"{opening} I would say that it is this one.\n\nAnswer: {answer}"


STYLES = {"worked": worked, "markdown": markdown, "terse": terse, "chatty": chatty}


def answers(name, questions):
    skills, style = CONTESTANTS[name]
    rng = random.Random(f"a small arena: {name}")
    for question in questions:
        note, wrong = NOTES[question["id"]]
        right = rng.random() < skills[question["category"]]
        answer = question["reference"] if right else wrong[rng.randrange(2)]
        yield question, STYLES[style](answer, note, right, rng)


def main():
    with open("questions.jsonl", encoding="utf-8") as file:
        questions = [json.loads(line) for line in file]

    with open("heron-9b.jsonl", "w", encoding="utf-8") as out:  # FastChat model_answer
        for question, text in answers("heron-9b", questions):
            row = {
                "question_id": question["id"],
                "answer_id": f"heron-9b:{question['id']}",
                "model_id": "heron-9b",
                "choices": [{"index": 0, "turns": [text]}],
                "tstamp": 1700000000.0,
            }
            out.write(json.dumps(row, ensure_ascii=False) + "\n")

    with open("replies.jsonl", "w", encoding="utf-8") as out:  # named fields, one of them nested
        for name in ["heron-2b", "plover-7b"]:
            for question, text in answers(name, questions):
                row = {"task": question["id"], "who": name, "reply": {"text": text}}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")

    with open("table.csv", "w", encoding="utf-8", newline="") as out:  # matched by the question
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["question", "system", "response"])
        for name in ["wren-3b", "sparrow-1b"]:
            for question, text in answers(name, questions):
                table.writerow([question["prompt"], name, text])


if __name__ == "__main__":
    main()

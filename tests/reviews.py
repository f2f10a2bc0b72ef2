"""Reviews with a sentiment, drawn from a small grammar in which the order of words counts.

Every review has one good and one bad word, and one `not`: a bag of words cannot tell positive from
negative ones. Only what the `not` stands before does.
"""

import csv

import numpy as np

GOOD = ("good", "great", "lovely", "brilliant", "charming", "superb")
BAD = ("bad", "awful", "dull", "boring", "poor", "clumsy")
THINGS = ("film", "plot", "cast", "music", "ending", "script", "camera", "story")
FILLERS = ("honestly", "well", "to be fair", "I think", "as they say", "in the end", "frankly")
SYLLABLES = ("ba", "do", "ki", "lu", "me", "no", "ra", "si", "to", "vu", "ze", "fy")


def review(positive, generator):
    """Return a text: one thing is good and another one bad, and one of the two is denied.

    Of a positive one the bad word is denied: `good … not bad`; of a negative one the good word.
    """
    first, second = generator.permutation(THINGS)[:2]
    good, bad = generator.choice(GOOD), generator.choice(BAD)
    said = [(first, good, not positive), (second, bad, positive)]
    parts = [
        f"the {thing} was {'not ' if denied else ''}{word}"
        for thing, word, denied in (said if generator.random() < 0.5 else said[::-1])
    ]
    fillers = generator.choice(FILLERS, size=2)
    name = "".join(generator.choice(SYLLABLES, size=3))  # hardly any occurs twice
    return f'{fillers[0]}, {parts[0]}; "{fillers[1]}", {name} says, {parts[1]}.'.capitalize()


def write_reviews(path, records, seed=1):
    """Write a CSV file with the columns id, review and sentiment; return its rows."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(records):
        positive = bool(generator.random() < 0.5)
        rows.append((f"r{number}", review(positive, generator),
                     "positive" if positive else "negative"))  # fmt: skip
    write_rows(path, rows)
    return rows


def write_rows(path, rows):
    """Write rows as a CSV file with quotes where they are needed."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "review", "sentiment"])
        writer.writerows(rows)

"""Ask pycocoevalcap itself: writes `reference.json`, which `test_parity.py` compares with.

It needs Java, for the tokeniser alone. The numbers of this repository came from Python 3.11,
Java 17 and exactly these versions:

    python3.11 -m venv coco
    coco/bin/pip install pycocoevalcap==1.2 numpy==2.4.6
    coco/bin/python tests/caption/metrics/make_reference.py

Every caption is invented: drawn from one seed by a small grammar, then damaged on purpose. A
second run writes the same file.
"""

import json
import platform
import random
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

TARGET = Path(__file__).with_name("reference.json")
ASK = Path(__file__).with_name("ask_evaluation.py")
IMAGES = 47

WHO = ["a dog", "two dogs", "a man", "the woman's cat", "a boy and a girl", "an old horse", "kids"]
HOW = ["brown", "wet", "tall", "very small", "black-and-white", "3", "well-known"]
DOES = ["runs", "is running", "sits", "jumps", "sleeps", "can't stand", "looks up", "eats 1,000"]
WHERE = [
    "on the grass",
    "near a u.s. flag",
    "in front of the t-shirt shop",
    "at 3:30pm",
    "in water",
]
END = [".", "", " .", "!", "...", " with a red ball.", ", it's raining", " -- again", "; so what?"]


def caption(draw: random.Random) -> str:
    """A sentence such as people write them, now and then with a capital or an aside."""
    who = draw.choice(WHO)
    if draw.random() < 0.5:
        first, _, rest = who.partition(" ")
        who = f"{first} {draw.choice(HOW)} {rest}".strip()
    text = f"{who} {draw.choice(DOES)} {draw.choice(WHERE)}{draw.choice(END)}"
    if draw.random() < 0.2:
        text = f"{text} ({draw.choice(WHO)} {draw.choice(WHERE)})"
    return text.capitalize() if draw.random() < 0.6 else text


def damaged(text: str, number: int, draw: random.Random) -> str:
    """A hypothesis, most of them damaged in one of the ways that models and people find."""
    words = text.split()
    ways = [
        text,
        "",
        words[0],
        text + " \N{GRINNING FACE}\N{DOG FACE}",
        f'"{text}" said `nobody` \u201cever\u201d',
        f"[{words[0]}] {{{text}}} (so)",
        f"see https://example.org/a?b=c&d={number} {text}",
        f"{number} 1/2 dogs, 3.5 of 1 1/2 {text}",
        text.upper(),
        " ".join(words[:2] * 7),
        " ".join(draw.sample(words, len(words))),
        " ".join(words * 12),
        "...",
        " ".join(word for word in words if draw.random() < 0.7) or words[0],
        "the",
        f"{text} {text}",
        " ".join(words[:3]),
    ]
    return ways[number % len(ways)]


def captions() -> tuple[dict[int, list[str]], dict[int, str]]:
    """References and one hypothesis by the id of the image."""
    draw = random.Random(29)
    references, hypotheses = {}, {}
    for number in range(IMAGES):
        key = 1000 + 7 * number
        subject = random.Random(number % 11)
        texts = [caption(subject if draw.random() < 0.5 else draw) for _ in range(2 + number % 4)]
        hypotheses[key] = damaged(draw.choice([texts[0], caption(draw)]), number, draw)
        references[key] = texts
    # References that lose every word to the tokeniser.
    references[1000 + 7][0] = "..."
    references[1000 + 7 * 12][1] = " ?! "
    references[1000 + 7 * 24] = ["1 1/2 dogs and 3.5 cats", "2 1/2 dogs"]
    return references, hypotheses


def main() -> None:
    """Ask and write."""
    references, hypotheses = captions()
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder, "captions.json"), Path(folder, "answer.json")
        texts = {"references": list(references.values()), "hypotheses": list(hypotheses.values())}
        asked.write_text(json.dumps(texts), encoding="utf-8")
        subprocess.run([sys.executable, ASK, asked, answer], check=True)
        found = json.loads(answer.read_text(encoding="utf-8"))
    result = {
        "versions": {name: version(name) for name in ("pycocoevalcap", "numpy")}
        | {"python": platform.python_version()},
        "references": references,
        "hypotheses": hypotheses,
        **found,
    }
    TARGET.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Ask METEOR 1.5 itself: writes `meteor_reference.json`, which `test_meteor.py` compares with.

Words, paraphrases and sentences are invented and go to METEOR as its data files, so that its own
are needed neither here nor in the test. Java 17 and the `meteor-1.5.jar` of pycocoevalcap 1.2 made
the file; a second run writes the same one:

    python tests/caption/metrics/make_meteor_reference.py meteor-1.5.jar
"""

import gzip
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = Path(__file__).with_name("meteor_reference.json")
PAIRS = 400

SYNSETS = {"dog": "1 2", "hound": "2", "animal": "2 9", "cat": "3", "run": "4 5", "jog": "5"}
IRREGULAR = {"run": "ran", "child": "children"}
FUNCTIONS = ["a", "the", "of", "and", "with", "is"]
NOUNS = ["dog", "dogs", "hound", "animal", "cat", "tiger", "child", "children", "man", "woman"]
VERBS = ["run", "runs", "ran", "running", "jogs", "is", "rides", "riding"]
ODD = ["t-shirt", "u.s.", "1,000", "it's", "...", "(", "50%", "don't", "caf\u00e9", "--"]
# METEOR compares words by Java's hashes: to it these are one word; "rw0" has the stem of "runs".
TWINS = {"dog": "f1g", "cat": "cc6", "man": "mc0", "run": "rw0", "runs": "rw0", "is": "k5"}
TWINS |= {"and": "c0d", "with": "wk6h", "hound": "hq7nd"}
PARAPHRASES = [
    ("big cat", "tiger"),
    ("tiger", "big cat"),
    ("man and a woman", "man and woman"),
    ("a man and a woman", "man and woman"),
    ("man and woman", "man and a woman"),
    ("a man", "man and"),
    ("is riding", "rides"),
    ("rides", "is riding a"),
    ("the dog and the cat of a man", "the dog with the tiger"),
    ("dog and the cat of", "dog with the"),
    ("with the", "and a"),
    ("and a", "of"),
]


def write_data(folder: Path) -> None:
    """METEOR's data files, with the words above."""
    synsets = "".join(f"{word}\n{sets}\n" for word, sets in SYNSETS.items())
    forms = "".join(f"{base}\n{form}\n" for base, form in IRREGULAR.items())
    table = "".join(f"0.5\n{phrase}\n{other}\n" for phrase, other in PARAPHRASES)
    for name, text in {
        "function/english.words": "".join(f"{word}\n" for word in FUNCTIONS),
        # The only file that METEOR takes from its jar whatever it is told; no sentence uses it.
        "nonbreaking/english.prefixes": "",
        "synonym/english.synsets": synsets,
        "synonym/english.exceptions": forms,
        "synonym/english.relations": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "paraphrase-en.gz").write_bytes(gzip.compress(table.encode()))


def sentence(draw: random.Random) -> list[str]:
    """Nouns, verbs and phrases, in no grammar that matters."""
    words: list[str] = []
    for _ in range(draw.randrange(1, 6)):
        kind = draw.random()
        if kind < 0.35:
            words += draw.choice(draw.choice(PARAPHRASES)).split()
        elif kind < 0.9:
            words += [draw.choice(FUNCTIONS), draw.choice(NOUNS), draw.choice(VERBS)]
        else:
            words.append(draw.choice(ODD))
    return words


def changed(words: list[str], draw: random.Random) -> list[str]:
    """The same, with words said again, moved, lost or new."""
    for _ in range(draw.randrange(4)):
        place = draw.randrange(len(words) + 1)
        kind = draw.randrange(5)
        if kind == 0:
            words = words[:place] + sentence(draw) + words[place:]
        elif kind == 1:
            words = words[place:] + words[:place]
        elif kind == 2:
            words = words[:place] + words[place + 1 :]
        elif kind == 3:
            words = words * draw.randrange(1, 7)
        else:
            words = [
                draw.choice([word, word, word.upper(), f"{word}s", TWINS.get(word.lower(), word)])
                for word in words
            ]
    return words


def pairs() -> list[tuple[str, str]]:
    """Hypothesis and reference; many words stand in them more than once, so that beams are cut."""
    draw = random.Random(37)
    made = []
    for _ in range(PAIRS):
        reference = sentence(draw)
        other = reference if draw.random() < 0.8 else sentence(draw)
        made.append((" ".join(changed(other, draw)[:120]), " ".join(reference)))
    made += [("f1g k5 a dog", "dog is a f1g"), ("f1g runs", "dog rup5"), ("rw0", "runs")]
    return [*made, ("", "a dog"), ("a dog", "a dog"), (" ".join("aaa" * 20), " ".join("aaa" * 20))]


def main() -> None:
    """Ask and write."""
    jar = Path(sys.argv[1]).resolve()
    command = ["java", "-Xmx2G", "-jar", jar, "-", "-", "-stdio", "-l", "en", "-norm"]
    asked = pairs()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder)
        own_data = ["-d", folder / "synonym", "-a", folder / "paraphrase-en.gz"]
        own_data += ["-s", folder / "function" / "english.words"]
        told = subprocess.run(
            [*command, *own_data],
            input="".join(f"SCORE ||| {reference} ||| {one}\n" for one, reference in asked),
            capture_output=True,
            check=True,
            encoding="utf-8",
            env={"LC_ALL": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"},
        ).stdout
        counts = [" ".join(str(int(float(n))) for n in line.split()) for line in told.splitlines()]
        whole = subprocess.run(
            command,
            input="EVAL ||| " + " ||| ".join(counts) + "\n",
            capture_output=True,
            check=True,
            encoding="utf-8",
        ).stdout
    *segments, corpus = [float(line) for line in whole.splitlines()]
    rows = [
        {"hypothesis": one, "reference": reference, "counts": row, "score": score}
        for (one, reference), row, score in zip(asked, counts, segments, strict=True)
    ]
    result = {"corpus": corpus, "pairs": rows}
    TARGET.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

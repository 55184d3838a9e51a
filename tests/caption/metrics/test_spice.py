"""The call of SPICE's jar, with a program in Java's place that notes what it was called with."""

import json
import math
import sys

import pytest

from caption.metrics import spice
from simlearn.errors import UserError

JAVA = """#!{python}
import json, sys
arguments = sys.argv[1:]
records = json.load(open(arguments[3], encoding="utf-8"))
json.dump([arguments, records], open({noted!r}, "w"))
scores = [
    {{"image_id": r["image_id"], "scores": {{"All": {{"f": value}}}}}}
    for r, value in zip(records, {values})
]
json.dump(list(reversed(scores)), open(arguments[arguments.index("-out") + 1], "w"))
"""


@pytest.fixture
def jar(tmp_path):
    path = tmp_path / "spice-1.0.jar"
    path.write_bytes(b"")
    return path


@pytest.fixture
def java(tmp_path):
    def java(text=None, values=(0.25, 0.75)):
        path = tmp_path / "java"
        noted = str(tmp_path / "noted.json")
        text = text or JAVA.format(python=sys.executable, noted=noted, values=list(values))
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    return java


def test_the_jar_is_asked_and_its_answers_go_to_their_images(java, jar, tmp_path):
    references = {"x": ["a dog", "dogs"], 7: ["a c\N{LATIN SMALL LETTER A WITH GRAVE}t"]}
    found = spice(references, {7: "cat", "x": "dog"}, jar, java=java(), memory="3G")
    assert found.per_image["spice"].tolist() == [0.25, 0.75]
    assert found.corpus == {"spice": 0.5}
    arguments, records = json.loads((tmp_path / "noted.json").read_text())
    assert arguments[:3] == ["-Xmx3G", "-jar", "spice-1.0.jar"]
    assert arguments[-2:] == ["-subset", "-silent"]
    assert records == [
        {"image_id": 0, "test": "dog", "refs": ["a dog", "dogs"]},
        {"image_id": 1, "test": "cat", "refs": ["a c\N{LATIN SMALL LETTER A WITH GRAVE}t"]},
    ]


def test_no_score_is_not_zero(java, jar):
    found = spice({1: ["a"], 2: ["b"]}, {1: "a", 2: "b"}, jar, java=java(values=(None, 1.0)))
    assert math.isnan(found.per_image["spice"][0])
    assert found.per_image["spice"][1] == 1.0


def test_what_is_missing_is_said(java, jar, tmp_path):
    one = ({1: ["a"]}, {1: "a"})
    with pytest.raises(UserError, match="expected Java as 'no-such-java'"):
        spice(*one, jar, java="no-such-java")
    with pytest.raises(UserError, match=r"expected the jar .*gone.jar"):
        spice(*one, tmp_path / "gone.jar", java=java())
    with pytest.raises(UserError, match="each of 1 images, got 0 and 1 for others"):
        spice({1: ["a"]}, {2: "a"}, jar, java=java())
    failing = f"#!{sys.executable}\nimport sys; print('no models', file=sys.stderr); sys.exit(3)\n"
    with pytest.raises(UserError, match="ended with status 3: no models"):
        spice(*one, jar, java=java(failing))
    odd = JAVA.replace("list(reversed(scores))", '{{"a": 1}}')
    odd = odd.format(python=sys.executable, noted=str(tmp_path / "noted"), values=[1.0])
    with pytest.raises(UserError, match="expected a list of scores from the jar"):
        spice(*one, jar, java=java(odd))

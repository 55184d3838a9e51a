"""The AT&T experiment as a user runs it, on small pictures in its layout."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest

from experiments.orl_faces import methods, recognition, tables
from experiments.orl_faces.config import PUBLISHED, OrlSettings
from experiments.orl_faces.recognition import Rates, split
from experiments.orl_faces.score import Scored, closed_set, open_set, require_support, score, tar_at
from experiments.orl_faces.unknown import NETWORK, Outcome, check, folds
from simlearn import metrics, search
from simlearn.data import LabelledImages, decoded, orl
from simlearn.data.frames import Stretch
from simlearn.errors import UserError

PEOPLE, PICTURES = 11, 5
METHODS = ["raw pixels", "eigenfaces", "Fisherfaces", "LBPH"]


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "experiments.orl_faces", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,
        env=os.environ | environment,
    )


def draw(folder, people, pictures):
    """Blotches of a person's own, each picture with a light and noise of its own."""
    random = np.random.default_rng(0)
    for person in range(1, people + 1):
        (folder / f"s{person}").mkdir(parents=True)
        face = random.integers(40, 200, (7, 6))
        for number in range(1, pictures + 1):
            seen = np.kron(face, np.ones((4, 4))) + random.normal(0, 12, (28, 24))
            seen = np.clip(seen * random.uniform(0.9, 1.1), 0, 255).astype(np.uint8)
            Image.fromarray(seen).save(folder / f"s{person}" / f"{number}.pgm")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("orl") / "att_faces"
    draw(folder, PEOPLE, PICTURES)
    return folder


@pytest.fixture(scope="module")
def smoke(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    arguments = ("--smoke", "--data", data, "--out", folder)
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return folder, done, arguments


def test_stdout_ends_with_the_result_and_stderr_is_silent(smoke):
    folder, done, _ = smoke
    result = json.loads(done.stdout.splitlines()[-1])
    assert result == json.loads((folder / "results.json").read_text())
    assert done.stderr == ""
    assert list(result["recognition"]) == METHODS
    for name, by in result["recognition"].items():
        # One picture a person shows nothing of what varies within a person.
        assert list(by) == (["2", "3", "4"] if name == "Fisherfaces" else ["1", "2", "3", "4"])
        # A smoke run takes ten people; what is not trained on is tested, in both splits.
        for pictures, rates in by.items():
            assert rates["trials"] == 2 * 10 * (PICTURES - int(pictures))
            assert 0 <= rates["mean"] <= 1
    assert result["beside_published"] == {}  # nine pictures are not there
    assert list(result["unknown"]) == [*METHODS, "triplet network"]
    for scores in result["unknown"].values():
        assert set(scores) == {*tables.VERIFICATION, *tables.IDENTIFICATION}
        assert scores["far"]["mean"] <= 0.01
        assert scores["alarms"]["mean"] <= 0.1
        for name in ("auc", "eer", "tar"):
            # Equal where no draw makes a mistake, as raw pixels on these people.
            assert 0 <= scores[name]["low"] <= scores[name]["high"] <= 1
    network = result["unknown"]["triplet network"]["auc"]
    assert network["low"] < network["high"]
    for training in result["training"]:
        auc = training["validation_auc"]
        assert list(auc) == ["soft-margin", "semi-hard"]
        assert auc[training["kept"]] == max(auc.values())
    # The drawn people are far apart: whoever mixes up rows gets chance, 0.1 and 0.5.
    assert result["recognition"]["LBPH"]["4"]["mean"] > 0.5
    assert result["unknown"]["eigenfaces"]["auc"]["mean"] > 0.7


def test_the_tables_say_what_is_absent(smoke):
    rows = [line.split() for line in smoke[1].stdout.splitlines()]
    first = next(row for row in rows if row[:1] == ["1"])
    assert first[7:8] == ["-"]  # after mean, sign and spread of two methods


def test_the_report_is_one_file_with_every_part(smoke):
    html = (smoke[0] / "report.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", html)
    for part in ("Known people", "What they look at", "Unknown people", "Training of the network"):
        assert part in html
    for method in [*METHODS, "triplet network"]:
        assert html.count(f"<td>{method}</td>") >= 2  # verification and identification


def test_tensorboard_finds_both_folds_and_two_classical_embeddings(smoke):
    config = (smoke[0] / "projector_config.pbtxt").read_text()
    assert config.count("tensor_path") == config.count("image_path") == 4
    for path in re.findall(r'(?:tensor|metadata|image)_path: "(.*)"', config):
        assert (smoke[0] / path).is_file()
    # Training and validation with two losses on two folds.
    assert len(list(smoke[0].glob("fold*/*/logs/*/events*"))) == 8
    assert len(list(smoke[0].glob("fold*/embedding.keras"))) == 2


def test_a_run_that_lost_its_end_goes_on_and_gives_the_same(smoke):
    folder, done, arguments = smoke
    before = json.loads(done.stdout.splitlines()[-1])
    (folder / "results.json").unlink()
    (folder / "recognition" / "3.json").unlink()
    again = run(*arguments)
    assert again.returncode == 0, again.stderr
    assert "Epoch" not in again.stdout  # both trainings were whole
    after = json.loads(again.stdout.splitlines()[-1])
    for part in ("recognition", "unknown", "data_fingerprint"):
        assert after[part] == before[part]


def test_every_picture_is_trained_on_equally_often():
    people = np.repeat([4, 0, 2], 5)
    for pictures in (1, 2, 4):
        counts = np.zeros(15, int)
        for number in range(10):
            train, test = split(people, pictures, number, seed=3)
            assert sorted([*train, *test]) == list(range(15))
            assert np.bincount(people[train]).tolist() == [pictures, 0, pictures, 0, pictures]
            counts[train] += 1
        assert set(counts) == {10 * pictures // 5}
    again, other = split(people, 2, 0, seed=3)[0], split(people, 2, 0, seed=4)[0]
    assert again.tolist() == split(people, 2, 0, seed=3)[0].tolist() != other.tolist()
    # After a whole turn the pictures are in another order, not the same splits once more.
    turns = [split(people, 2, number, seed=3)[0].tolist() for number in range(10)]
    assert turns[:5] != turns[5:]


def test_rates_have_the_spread_over_splits_and_wilsons_interval():
    rates = Rates((0.9, 1.0, 0.95), right=57, trials=60)
    assert rates.mean == pytest.approx(0.95)
    assert rates.spread == pytest.approx(0.05)  # squares of 0.05, 0.05 and 0 over 2
    # Wilson 1927: (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with z = 1.959964.
    assert rates.interval == pytest.approx((0.8630, 0.9829), abs=1e-4)
    assert rates.interval == tuple(binomtest(57, 60).proportion_ci(0.95, method="wilson"))


def people_of(count, each, size=3):
    labels = np.repeat(np.arange(count), each)
    images = np.random.default_rng(0).integers(0, 256, (count * each, size, size, 1))
    return LabelledImages(
        images=images.astype(np.uint8), labels=labels, ids=np.arange(count * each), name="people"
    )


def test_folds_test_everyone_once_and_share_nobody():
    found = folds(people_of(13, 3), OrlSettings(folds=3, validation_people=2))
    tested = np.concatenate([np.unique(fold.test.labels) for fold in found])
    assert sorted(tested) == list(range(13))
    for fold in found:
        parts = [set(part.labels.tolist()) for part in fold]
        assert len(set.union(*parts)) == sum(map(len, parts)) == 13
        assert len(parts[1]) == 2
        assert all(len(part) == 3 * len(set(part.labels.tolist())) for part in fold)


def test_batches_that_no_fold_can_fill_are_refused():
    few = OrlSettings(folds=2, validation_people=2, pictures_per_person=4)
    with pytest.raises(UserError, match="0 have them"):
        check(people_of(9, 3), few)
    # Person 0 has 3 pictures. Two others fill any batch to train on, but not one to validate
    # where person 0 is one of the two.
    uneven = people_of(9, 5).take(np.arange(2, 45))
    with pytest.raises(UserError, match="1 have them"):
        check(uneven, dataclasses.replace(few, people_per_batch=2, folds=9))
    # Batches of 2 of the 4 people to train on, but of 6 to test no such rate.
    small = OrlSettings(folds=2, validation_people=2, people_per_batch=2, far=1e-4)
    with pytest.raises(UserError, match=r"expected --far of at least .*, received 0\.0001"):
        check(people_of(12, 4), small)


def test_the_matches_take_each_picture_as_gallery_in_turn():
    # Two people on a line. Gallery 0 and 9: the queries 1, 2, 8 and 4 go to 0, 0, 9 and, wrongly,
    # to 0. Gallery 1 and 8: 0, 2 and 9 right, 4 (3 from 1, 4 from 8) wrong. Gallery 2 and 4: 0, 1,
    # 9 and 8 right. So 3/4, 3/4 and 4/4; the second nearest of two people is always there.
    line = np.array([[0.0], [1.0], [2.0], [9.0], [8.0], [4.0]])
    people = np.array([5, 5, 5, 3, 3, 3])
    found = closed_set(line, people, distance=search.euclidean)
    assert found == pytest.approx([10 / 12, 1.0])


def test_a_true_accept_rate_is_read_at_the_last_point_of_its_false_accept_rate():
    # Accepting up to 0.1, 0.2, 0.3: FAR 0, 1/3, 1/3 and TAR 1/2, 1/2, 1.
    curve = metrics.roc([0.1, 0.2, 0.3, 0.4, 0.5], [True, False, True, False, False])
    assert tar_at(curve, np.array([0.0, 0.3, 1 / 3, 1.0])).tolist() == [0.5, 0.5, 1, 1]


LINE = np.array([[0.0], [1.0], [1.5], [9.0], [100.0], [101.0], [200.0], [204.0]])
FOUR = np.repeat([2, 3, 5, 7], 2)


def test_both_halves_of_the_people_are_strangers_once():
    found = open_set(LINE, FOUR, distance=search.euclidean)
    # Gallery 0 and 100, then 1.5 and 200, then the second pictures: 1 and 101, then 9 and 204.
    strangers = [1.5, 9, 100, 104, 1.5, 0.5, 98.5, 99, 0.5, 8, 99, 103, 9, 8, 91, 92]
    assert found.distances[~found.known].tolist() == strangers
    assert found.distances[found.known].tolist() == [1, 1, 7.5, 4, 1, 1, 7.5, 4]
    assert found.correct.tolist() == found.known.tolist()


def test_thresholds_come_from_the_validation_people():
    test, validation = people_of(4, 2, 1), people_of(4, 2, 2)
    test = dataclasses.replace(test, labels=FOUR)
    held_out = np.array([[0.0], [2.0], [20.0], [22.0], [40.0], [42.0], [60.0], [62.0]])

    def embed(images):
        return LINE if images is test.images else held_out

    config = OrlSettings(far=0.1, alarms=0.2, resamples=100)
    settings = {"distance": search.euclidean, "config": config}
    found = score(embed, validation, test, **settings, draw=1)
    # Validation pairs of one person lie 2 apart, others 18 or more. Of the 28 test pairs the two
    # of one person 7.5 and 4 apart are refused, and 0 and 1.5, 1 and 1.5 accepted, all wrongly.
    assert found.threshold == 2
    assert found.scores["accuracy"] == pytest.approx(24 / 28)
    # Up to 7.5 the same two of 24 are accepted, and the third false one is 8 apart.
    assert found.scores["tar"] == 1
    assert found.scores["far"] == pytest.approx(2 / 24)
    # Of the trials above: 1 is the last threshold that 20 % of 16 strangers (0.5 twice) allow.
    # Validation allows 2, within which four strangers are.
    assert (found.scores["dir"], found.scores["alarms"]) == (4 / 8, 2 / 16)
    assert (found.scores["carried_dir"], found.scores["carried_alarms"]) == (4 / 8, 4 / 16)
    # The same people are drawn for every method of a fold, and others in another fold.
    again, other = (score(embed, validation, test, **settings, draw=n) for n in (1, 2))
    assert np.array_equal(again.resamples["auc"], found.resamples["auc"])
    assert not np.array_equal(other.resamples["auc"], found.resamples["auc"])


def outcome(auc, draws):
    """A fold whose methods have these AUCs and resamples, and zeros elsewhere."""
    keys = (*tables.VERIFICATION, *tables.IDENTIFICATION)
    nothing = np.zeros(1)
    return Outcome(
        test=None,
        scored={
            name: Scored(
                dict.fromkeys(keys, 0.0) | {"auc": auc[name]},
                {"auc": draws[name]},
                nothing,
                nothing,
                0.0,
                nothing,
                nothing,
            )
            for name in auc
        },
        trained=None,
    )


def test_the_interval_is_of_the_mean_over_folds_and_the_difference_is_paired():
    draws = np.random.default_rng(0).permutation(np.arange(101)) / 100
    half = draws / 2
    # The second fold's last two draws have no partner in the first.
    found = tables.summary(
        [
            outcome({"pixels": 0.5, NETWORK: 0.8}, {"pixels": draws, NETWORK: draws + 0.25}),
            outcome(
                {"pixels": 0.7, NETWORK: 0.9},
                {"pixels": np.append(half, [9, 9]), NETWORK: np.append(half + 0.25, [9, 9])},
            ),
        ]
    )
    pixels = found["pixels"]["auc"]
    assert pixels["mean"] == pytest.approx(0.6)
    assert pixels["spread"] == pytest.approx(0.1 * np.sqrt(2))
    # Quantiles of 0, 0.01 .. 1 in whatever order, times the mean of 1 and a half.
    assert (pixels["low"], pixels["high"]) == pytest.approx((0.025 * 0.75, 0.975 * 0.75))
    # Both methods rise and fall together: nothing of their spread is left in the difference.
    assert (pixels["ahead_low"], pixels["ahead_high"]) == pytest.approx((0.25, 0.25))
    assert "ahead_low" not in found[NETWORK]["auc"]


@pytest.mark.parametrize(
    ("count", "validating", "change", "message"),
    [
        (3, 4, {}, "expected at least 4 people in people, received 3"),
        # 5 people with 2 pictures: 45 pairs, 5 of them of one person; 10 strangers' pictures twice.
        (5, 4, {"far": 0.024}, "expected --far of at least 0.025, .* 40 trials .*, received 0.024"),
        (5, 6, {"far": 0.3, "alarms": 0.04}, "expected --alarms of at least 0.05, .* 20 trials"),
        (5, 4, {"far": 0.3, "alarms": 0.06}, "expected --alarms of at least 0.0625, .* 16 trials"),
    ],
)
def test_rates_that_so_few_people_cannot_show_are_refused(count, validating, change, message):
    config = dataclasses.replace(OrlSettings(), **change)
    with pytest.raises(UserError, match=message):
        require_support(people_of(validating, 2), people_of(count, 2), config)


def test_rates_that_the_people_can_just_show_pass():
    people = people_of(5, 2)
    require_support(people, people, OrlSettings(far=1 / 40, alarms=1 / 20))
    # As many strangers' trials as are counted on.
    found = open_set(np.arange(10.0)[:, None], people.labels, distance=search.euclidean)
    assert np.count_nonzero(~found.known) == 20
    assert metrics.detection_at_far(found, 1 / 20).far <= 1 / 20


@pytest.mark.parametrize("losses", [(), ("semi-hard", "semi-hard")])
def test_losses_that_are_missing_or_twice_are_refused(losses):
    with pytest.raises(UserError, match="--losses to name at least one, each once"):
        OrlSettings(losses=losses).check()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (),
            "{empty}/orl: expected a folder or zip with the AT&T faces, and found nothing; python "
            "datasets/orl/prepare.py --data {empty} downloads them into {empty}/orl",
        ),
        (("--data", "nowhere"), "nowhere: expected a folder or zip with the AT&T faces"),
        (
            ("--data", "{data}"),
            "{data}: expected at least 16 people for 4 folds with 6 to validate",
        ),
        (("--data", "{data}", "--splits", 1), "expected --splits of at least 2, received 1"),
    ],
)
def test_data_that_does_not_fit_is_one_line(data, tmp_path, arguments, message):
    filled = [str(a).format(data=data) for a in arguments]
    done = run(*filled, "--out", tmp_path / "run", SIMLEARN_DATA=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(message.format(data=data, empty=tmp_path))
    assert done.stderr.count("\n") == 1


@pytest.mark.real_data
def test_nine_pictures_of_the_real_people_give_the_published_rates():
    """The classical rates, without the network: a tenfold cross-validation of the real pictures."""
    record = orl.load(f"{os.environ['SIMLEARN_DATA']}/orl")
    faces = decoded.labelled_images(record, frame=Stretch((112, 92)), channels=1)
    classical = methods.classical(OrlSettings())
    fewer = methods.classical(OrlSettings(principal=80))["Fisherfaces"]
    classical = {**classical, "fewer": fewer}
    fixed = {
        name: recognition.all_distances(method, faces)
        for name, method in classical.items()
        if not method.learns
    }
    found = recognition.measure(faces, classical, fixed, 9, 10, 0)
    within = {}
    for name, (rates, right, trials) in found.items():
        assert trials == 400
        off = np.mean(rates) - PUBLISHED["Fisherfaces" if name == "fewer" else name]
        within[name] = abs(off) <= Rates(tuple(rates), right, trials).spread
    # In the paper's number of principal components Fisherfaces stay below; README.md says why.
    assert within == dict.fromkeys(classical, True) | {"Fisherfaces": False}
    assert found["Fisherfaces"][1] / 400 == pytest.approx(0.945, abs=0.01)
    assert "Fisherfaces" not in recognition.measure(faces, classical, fixed, 1, 2, 0)

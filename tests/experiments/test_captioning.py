"""The captioning experiments: rendered scenes, and photographs laid out as the data sets are."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from caption.data import scenes
from caption.data.scenes import write
from caption.trained import TrainedCaptioner
from caption.writing import Written
from experiments._captioning import prepare
from experiments._captioning.config import CaptioningSettings
from experiments._captioning.evaluate import Scored
from experiments.caption_coco import run as coco_run
from experiments.caption_coco.config import CocoSettings
from experiments.caption_scenes.run import judged
from simlearn.errors import UserError

TINY = ["--smoke", "--width", "16", "--word-width", "12", "--epochs", "1", "--candidates", "3"]


def call(name, *arguments, status=0, **environment):
    done = subprocess.run(
        [sys.executable, "-m", f"experiments.{name}", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == status, done.stderr
    return done


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    """Rendered scenes as files of COCO."""
    root = tmp_path_factory.mktemp("coco")
    write(root, scenes.render(40, seed=3, size=(64, 64)), split="train", form="jpg")
    write(root, scenes.render(12, seed=3, split="validation", size=(64, 64)), split="val")
    return root


@pytest.fixture(scope="module")
def finished(coco, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    small = ["--encoder", "mobilenet_v2", "--weights", "none", "--side", "64", "--words", "random"]
    done = call(
        "caption_coco", "--data", coco, "--out", out, *small, *TINY, "--self-critical-epochs", 1
    )
    return out, done


@pytest.mark.slow
def test_from_files_to_a_table(finished):
    out, done = finished
    result = json.loads(done.stdout.splitlines()[-1])
    assert json.loads((out / "results.json").read_text()) == result
    names = list(result["scores"])
    assert names[:2] == ["most frequent caption", "nearest picture's caption"]
    assert names[-2:] == ["adaptive", "adaptive, reranked"]
    for scores in result["scores"].values():
        assert {"bleu_1", "bleu_4", "rouge_l", "cider_d"} <= set(scores)
    assert result["training"]["captions"]["epochs"] == 1
    assert result["training"]["self_critical"]["epochs"] == 1
    assert "validation pictures cut in two" in result["protocol"]
    captions = json.loads((out / "captions.json").read_text())
    assert [set(row) for row in captions] == [{"image_id", "caption", "score"}] * 6
    page = (out / "report.html").read_text()
    assert "Best captions" in page
    assert "where it looked, word by word" in page


@pytest.mark.slow
def test_a_finished_run_captions_any_picture(finished, coco, tmp_path):
    out, _ = finished
    trained = TrainedCaptioner.load(out)
    held_out = scenes.render(2, seed=5, size=(64, 64))
    (first,), (second,) = trained(held_out.pictures)
    assert isinstance(first, Written)
    assert second.attention.shape == (len(second.words), np.prod(trained.encoder.grid))
    picture = next((coco / "val2014").glob("*.png"))
    (tmp_path / "bad.jpg").write_text("no picture")
    options = [out, picture, tmp_path / "bad.jpg", "--json", "--captions", "2"]
    options += ["--attention", tmp_path / "looked"]
    done = subprocess.run(
        [sys.executable, "-m", "caption", *options],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["image"] == str(picture)
    assert len(json.loads(line)["captions"]) == 2
    assert "bad.jpg: expected a JPEG" in done.stderr.splitlines()[-1]


def odd_pictures(folder):
    """Pictures of every kind, and files that are none; the names that end in a caption first."""
    random = np.random.default_rng(3)
    pixels = random.integers(0, 256, (40, 50, 3), np.uint8)
    Image.new("RGB", (1, 1), (9, 200, 3)).save(folder / "a_pixel.png")
    Image.fromarray(pixels).convert("CMYK").save(folder / "b_cmyk.jpg")
    Image.fromarray(pixels).convert("RGBA").save(folder / "c_alpha.png")
    Image.new("I;16", (30, 40), 40_000).save(folder / "d_deep.png")
    Image.fromarray(np.tile(pixels, (1, 400, 1))).save(folder / "e_wide.jpg")
    frames = [Image.fromarray(pixels), Image.fromarray(255 - pixels)]
    frames[0].save(folder / "f_moving.gif", save_all=True, append_images=frames[1:])
    (folder / "g_words.jpg").write_text("no picture")
    (folder / "h_empty.png").touch()
    Image.new("1", (20_000, 20_000)).save(folder / "i_huge.png")
    whole = (folder / "e_wide.jpg").read_bytes()
    (folder / "j_cut.jpg").write_bytes(whole[: len(whole) // 3])


@pytest.mark.slow
def test_odd_pictures_get_a_caption_or_one_line(finished, tmp_path):
    odd_pictures(tmp_path)
    command = [sys.executable, "-m", "caption", str(finished[0]), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    captioned = [line.split("\t")[0] for line in done.stdout.splitlines()]
    assert [path.split("/")[-1][0] for path in captioned] == list("abcde")
    refused = done.stderr.splitlines()
    assert [line.split("/")[-1][0] for line in refused] == list("fghij")
    assert all(": expected " in line for line in refused)


@pytest.mark.slow
def test_rendered_scenes_need_nothing(tmp_path):
    done = call("caption_scenes", "--out", tmp_path / "run", *TINY)
    result = json.loads(done.stdout.splitlines()[-1])
    assert "against 10 true captions each" in result["protocol"]
    assert 0 <= result["judged"]["things and attributes right"] <= 1


@pytest.mark.slow
def test_a_captioner_behind_an_encoder_that_learns_reads_a_corpus_first(tmp_path):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("a zebra on snow\n" * 5)
    options = ["--corpus", corpus, "--corpus-epochs", 1, "--visual-epochs", 0]
    done = call("caption_scenes", "--out", tmp_path / "run", *TINY, *options)
    result = json.loads(done.stdout.splitlines()[-1])
    assert list(result["training"]) == ["corpus", "captions"]
    assert "zebra" in TrainedCaptioner.load(tmp_path / "run").vocabulary.words


def test_what_cannot_work_is_said_at_once(tmp_path):
    for arguments, message in (
        (("--data", tmp_path / "none"), "found nothing"),
        (("--beams", 0), "expected --beams of at least 1, received 0"),
        (("--dropout", 1.5), "expected --dropout from 0 to 0.99, received 1.5"),
        (("--corpus", tmp_path / "none.txt"), "--corpus: expected a file, found none at"),
        (("--vectors", tmp_path / "none.bin"), "--vectors: expected a file, found none at"),
    ):
        done = call("caption_flickr8k", *arguments, "--out", tmp_path / "run", status=2)
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
    done = call("caption_scenes", "--data", tmp_path, "--out", tmp_path / "run", status=2)
    assert "these scenes are rendered" in done.stderr


def test_one_file_of_captions_is_cut_in_three_parts_without_a_common_picture(coco):
    annotations = coco / "annotations" / "captions_train2014.json"
    config = CocoSettings(data=coco / "train2014", annotations=annotations, seed=5)
    records, data = coco_run._records(config, coco / "train2014")
    assert [len(record) for record in records] == [32, 4, 4]
    ids = [number for record in records for number in record.ids]
    assert len(set(ids)) == 40
    assert data.endswith("cut 8:1:1")
    with pytest.raises(UserError, match="expected enough pictures to cut, got 3"):
        coco_run._cut(records[1].take([0, 1, 2]), 5, (8, 1, 1))


def tiny_splits():
    """Rendered scenes to train, validate and test on; their features are nobody's concern."""
    parts = [("train", 20), ("validation", 3), ("test", 3)]
    records = [scenes.render(n, seed=1, split=part, size=(64, 64)) for part, n in parts]
    return tuple(prepare.split_of(record, np.zeros((len(record), 1, 1))) for record in records)


def test_a_corpus_with_the_captions_of_a_held_out_picture_is_refused(tmp_path, capsys):
    splits = tiny_splits()
    corpus = tmp_path / "corpus.txt"
    config = CaptioningSettings(corpus=corpus, min_count=1)
    said = splits[2].record.captions[1]
    # All but one may be chance: these words are then known before the test.
    corpus.write_text("\n".join(["a zebra", *said[:-1]]))
    prepared = prepare.prepare(config, splits, None)
    assert {"zebra"} <= set(prepared.vocabulary.words)
    assert set(prepared.unknown) == {"validation", "test"}
    shown = capsys.readouterr().out.splitlines()
    assert shown[1] == f"of the validation captions: {prepared.unknown['validation']}"
    assert shown[2] == f"of the test captions: {prepared.unknown['test']}"
    corpus.write_text("\n".join(["a zebra", *said]).upper())
    with pytest.raises(UserError, match=r"received all captions of 1 of them, such as "):
        prepare.prepare(config, splits, None)
    # Nor to stop the training by.
    with pytest.raises(UserError, match=r"received all captions of 1 of them, such as "):
        prepare.prepare(config, (splits[0], splits[2], splits[1]), None)


def test_the_vocabulary_can_be_kept_to_its_most_frequent_words():
    few = prepare.prepare(CaptioningSettings(most_words=9), tiny_splits(), None).vocabulary
    everything = prepare.prepare(CaptioningSettings(), tiny_splits(), None).vocabulary
    assert list(few.words) == list(everything.words)[:9]
    with pytest.raises(UserError, match="--most-words of at least 1, received 0"):
        CaptioningSettings(most_words=0).check()


def test_nouns_are_right_where_the_scene_has_the_thing_and_its_colour():
    record = scenes.render(1, seed=0, size=(64, 64))
    thing = record.scenes[0].things[0]
    other = next(c for c in scenes.COLOURS if all(c != t.colour for t in record.scenes[0].things))
    right = ("a", thing.colour, thing.shape)
    wrong = ("a", other, thing.shape)
    attention = np.full((3, 64), 1 / 64, np.float32)
    for words, share in ((right, 1.0), (wrong, 0.0)):
        scored = Scored([Written(words, 0.0, attention)], {}, {}, {})
        assert judged(record, scored, (8, 8))["things and attributes right"] == share
    assert "pointing" not in judged(record, Scored([Written((), 0.0, None)], {}, {}, {}), (8, 8))


def test_the_settings_say_what_they_are():
    assert CaptioningSettings().model == "adaptive"
    with pytest.raises(UserError, match="--samples of at least 2"):
        CaptioningSettings(samples=1).check()


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_weights(coco, tmp_path):
    arguments = ["--data", coco, "--encoder", "mobilenet_v2", "--weights", "none", "--side", "64"]
    arguments += ["--words", "random", "--cache", tmp_path / "features", "--candidates", "0"]
    arguments += ["--smoke", "--width", "16", "--word-width", "12", "--epochs", "4"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    call("caption_coco", *arguments, "--out", whole)
    checkpoint = killed / "captions" / "checkpoint.npz"
    command = [sys.executable, "-m", "experiments.caption_coco", *arguments, "--out", killed]
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (killed / "results.json").exists()
    call("caption_coco", *arguments, "--out", killed)
    one, other = (TrainedCaptioner.load(folder).captioner for folder in (whole, killed))
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)

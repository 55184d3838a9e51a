import json

import pytest

from caption.data import msrvtt
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import folder


def video(number, split):
    return {"category": 9, "video_id": f"video{number}", "end time": 7.5, "split": split}


def sentence(number, key, caption):
    return {"caption": caption, "video_id": f"video{number}", "sen_id": key}


TRAIN_VAL = {
    "info": {"year": "2016"},
    "videos": [video(7, "train"), video(11, "validate"), video(2, "train")],
    "sentences": [
        sentence(2, 4, "a man sings"),
        sentence(7, 9, "caf\u00e9 at night"),
        sentence(11, 0, "someone cooks"),
        sentence(2, 3, "a man is singing"),
        # A number that another video has too.
        sentence(7, 3, "people in a bar"),
    ],
}
TEST = {"videos": [video(30, "test")], "sentences": [sentence(30, 0, "a dog")]}
CONTENT = json.dumps(TRAIN_VAL, indent=1).encode()
CONTENTS = {
    "train_val_videodatainfo.json": CONTENT,
    "test_videodatainfo.json": json.dumps(TEST).encode(),
    "TrainValVideo/video7.mp4": b"",
    "TrainValVideo/video70.mp4": b"",
}


@pytest.mark.parametrize("below", ["", "MSRVTT/annotation/"])
def test_videos_come_with_their_captions(tmp_path, below):
    root = folder(tmp_path, {f"{below}{name}": content for name, content in CONTENTS.items()})
    train = msrvtt.load(root)
    assert str(train) == "msrvtt-train: 2 videos, 4 captions, 2 each"
    assert train.videos == ("video7", "video2")
    assert train.captions == (
        ("caf\u00e9 at night", "people in a bar"),
        ("a man sings", "a man is singing"),
    )
    # The second is not on disk.
    assert train.paths == (f"{below}TrainValVideo/video7.mp4", "video2.mp4")
    assert train.paths[0] in train.files
    assert str(msrvtt.load(root, "validate")) == "msrvtt-validate: 1 videos, 1 caption, 1 each"
    assert msrvtt.load(root, "test").videos == ("video30",)


def test_frames_in_folders_and_a_file_elsewhere(tmp_path):
    folder(tmp_path, {"a/info.json": CONTENT, "frames/video7/0001.jpg": b"", "b/video2.MP4": b""})
    folder(tmp_path, {"frames/video2/0001.jpg": b""})
    train = msrvtt.load(tmp_path / "a" / "info.json", videos=tmp_path)
    assert train.paths == ("frames/video7", "b/video2.MP4")
    assert msrvtt.load(tmp_path / "a" / "info.json").paths == ("video7.mp4", "video2.mp4")


def test_a_wrong_place_or_split_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected test_videodatainfo\.json there or up to two"):
        msrvtt.load(tmp_path, "test")
    with pytest.raises(DatasetError, match="MSR-VTT has the splits 'train', 'validate', 'test'"):
        msrvtt.load(tmp_path, "val")
    (tmp_path / "info.json").write_bytes(CONTENT)
    with pytest.raises(DatasetError, match=r"info\.json: expected videos of the split 'test'"):
        msrvtt.load(tmp_path / "info.json", "test")


def changed(part, number, **fields):
    document = json.loads(CONTENT)
    document[part][number].update(fields)
    return document


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (changed("videos", 2, video_id="video7"), r"videos\[2\]: expected each video_id once"),
        (changed("videos", 2, video_id="video3"), r"sentences\[0\]: expected the video_id of a"),
        (changed("videos", 2, video_id=2), r"videos\[2\]: expected 'video_id' as str"),
        (changed("videos", 2, video_id="../2"), r"videos\[2\]: expected a path inside"),
        (changed("videos", 2, split="val"), r"videos\[2\]: expected 'split' as one of train, val"),
        (
            changed("sentences", 3, sen_id=4),
            r"sentences\[3\]: expected each sen_id of a video once",
        ),
        (changed("sentences", 3, sen_id=3.0), r"sentences\[3\]: expected 'sen_id' as int"),
        (changed("sentences", 3, caption=""), r"sentences\[3\]: expected a caption as 'caption'"),
        (
            changed("sentences", 3, caption="\ud800"),
            r"sentences\[3\]: expected 'caption' as text, ",
        ),
        ({"videos": [video(1, "train")], "sentences": []}, r"videos\[0\]: expected captions of vi"),
        ({"videos": []}, "expected the field 'sentences', and received videos"),
        ([], "expected an object"),
    ],
)
def test_what_is_not_of_the_format_is_named(tmp_path, document, message):
    (tmp_path / "info.json").write_text(json.dumps(document))
    with pytest.raises(DatasetError, match=message):
        msrvtt.load(tmp_path / "info.json")


def naive(content):
    document = json.loads(content)
    known = {v["video_id"].replace("\\", "/"): v["split"] for v in document["videos"]}
    captions = {name: [] for name in known}
    for entry in document["sentences"]:
        captions[entry["video_id"]].append(entry["caption"])
    return {name: texts for name, texts in captions.items() if known[name] == "train"}


@pytest.mark.parametrize("copies", COPIES)
def test_damaged_files_are_read_as_they_are_or_refused(copies, tmp_path):
    def read(content):
        (tmp_path / "info.json").write_bytes(content)
        train = msrvtt.load(tmp_path / "info.json")
        return dict(zip(train.videos, map(list, train.captions), strict=True))

    check_damage(CONTENT, read, naive, copies)

"""MSR-VTT: 10,000 short videos from the web with twenty captions each.

6,513 to train on, 497 to validate and 2,990 to test.

Reference:
    Xu, Mei, Yao, Rui: MSR-VTT: A Large Video Description Dataset for Bridging Video and Language.
    CVPR 2016.
"""

from pathlib import Path
from typing import Any, Final, Literal

from caption.data._json import (
    caption_text,
    identity,
    objects,
    read_json_file,
    require_new,
    text,
)
from caption.data.records import CaptionedVideos
from simlearn.data._annotations import check_split, read_json
from simlearn.data.files import Files, Root, inside, open_files
from simlearn.errors import DatasetError

_FILES: Final = {
    "train": "train_val_videodatainfo.json",
    "validate": "train_val_videodatainfo.json",
    "test": "test_videodatainfo.json",
}
_VIDEOS: Final = (".mp4", ".avi", ".mkv", ".webm", ".mov", ".mpg", ".mpeg")


def load(
    root: Root,
    split: Literal["train", "validate", "test"] = "train",
    *,
    videos: Root | None = None,
) -> CaptionedVideos:
    """Read one split of MSR-VTT.

    Args:
        root: A JSON file in the official format; or a folder or zip that holds
            `train_val_videodatainfo.json` or `test_videodatainfo.json`, whichever the split
            needs, up to two folders down; or `Files`.
        split: `"train"`, `"validate"` or `"test"`, as the file calls them.
        videos: Folder or zip with the videos; by default the folder of the JSON file, or `root`.
            A video is a file such as `video17.mp4`, or a folder `video17` with its frames,
            anywhere in it; a file counts before a folder.

    Returns:
        Videos in the order of the file, and the captions of each in the order of the file. A
        video may be missing on disk.

    Raises:
        DatasetError: The file is missing or is not what the format says.
    """
    check_split(split, tuple(_FILES), "MSR-VTT")
    document, where, files = _opened(root, _FILES[split], videos)
    split_of = _splits(document, where)
    captions = _captions(document, where, split_of)
    chosen = [video for video, (of_video, _) in split_of.items() if of_video == split]
    for video in chosen:
        if not captions[video]:
            raise DatasetError(f"{split_of[video][1]}: expected captions of {video}, found none")
    if not chosen:
        raise DatasetError(f"{where}: expected videos of the split {split!r}, and found none")
    paths = _paths(files, chosen)
    return CaptionedVideos(
        files=files,
        paths=tuple(paths.get(video, f"{video}.mp4") for video in chosen),
        videos=tuple(chosen),
        captions=tuple(tuple(captions[video]) for video in chosen),
        name=f"msrvtt-{split}",
    )


def _opened(root: Root, name: str, videos: Root | None) -> tuple[Any, str, Files]:
    """The document, its name for messages, and where the videos are."""
    if not isinstance(root, Files) and Path(root).suffix.lower() == ".json":
        folder = Path(root).parent if videos is None else videos
        return read_json_file(root), str(root), open_files(folder)
    files = open_files(root)
    found = files.find(name)
    return (
        read_json(found, name),
        found.where(name),
        files if videos is None else open_files(videos),
    )


def _splits(document: Any, where: str) -> dict[str, tuple[str, str]]:
    """For each video its split and its place in the file."""
    found: dict[str, tuple[str, str]] = {}
    seen: dict[str, str] = {}
    for number, video in enumerate(objects(document, "videos", where)):
        place = f"{where}: videos[{number}]"
        name = inside(text(video, "video_id", place), where=place)
        require_new(seen, name, "video_id", place)
        split = text(video, "split", place)
        if split not in _FILES:
            raise DatasetError(
                f"{place}: expected 'split' as one of {', '.join(_FILES)}, and received {split!r}"
            )
        found[name] = split, place
    return found


def _captions(document: Any, where: str, known: dict[str, Any]) -> dict[str, list[str]]:
    captions: dict[str, list[str]] = {video: [] for video in known}
    seen: dict[tuple[str, int], str] = {}
    for number, sentence in enumerate(objects(document, "sentences", where)):
        place = f"{where}: sentences[{number}]"
        video = text(sentence, "video_id", place)
        if video not in captions:
            raise DatasetError(f"{place}: expected the video_id of a video, and received {video!r}")
        require_new(seen, (video, identity(sentence, "sen_id", place)), "sen_id of a video", place)
        captions[video].append(caption_text(sentence, "caption", place))
    return captions


def _paths(files: Files, videos: list[str]) -> dict[str, str]:
    """The file, else the folder of frames, of each video that is there."""
    wanted = set(videos)
    paths: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in files.names():
        folder, _, name = path.rpartition("/")
        stem, dot, suffix = name.rpartition(".")
        if stem in wanted and f"{dot}{suffix}".lower() in _VIDEOS:
            paths.setdefault(stem, path)
        elif folder.rpartition("/")[2] in wanted:
            folders.setdefault(folder.rpartition("/")[2], folder)
    return folders | paths

"""Say how to get MSR-VTT, and check what is in DIR/msrvtt."""

import sys

from caption.data import msrvtt
from simlearn.data.fetching import Part, Recipe, recipe_main

COUNTS = {"train": (6_513, "train_val"), "validate": (497, "train_val"), "test": (2_990, "test")}

RECIPE = Recipe(
    name="msrvtt",
    title="MSR-VTT",
    parts=tuple(
        Part(
            split,
            needs=rf"(^|/){name}_videodatainfo\.json$",
            read=lambda files, split=split: msrvtt.load(files, split),
            counts={"videos": count, "captions": 20 * count},
        )
        for split, (count, name) in COUNTS.items()
    ),
    by_hand="""
MSR-VTT was given out by Microsoft Research for its challenge of 2016 and 2017, whose page is gone;
https://www.microsoft.com/en-us/research/publication/msr-vtt-a-large-video-description-dataset-for-bridging-video-and-language/
describes it. Where it is given out today, and under which terms, was not verified. Put here:
  DIR/msrvtt/train_val_videodatainfo.json
  DIR/msrvtt/test_videodatainfo.json
  DIR/msrvtt/...                    the videos in any folders, as video17.mp4, or as a folder
                                    video17 of frames
Then call this script again; it counts what is there.
""",
)


def main(arguments: list[str] | None = None) -> int:
    """Read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Download COCO's captions and pictures into DIR/coco and check them."""

import re
import sys

from caption.data import CaptionedPictures, coco
from simlearn.data.fetching import Download, Part, Recipe, recipe_main
from simlearn.data.files import Files

ADDRESS = "http://images.cocodataset.org"

# Pictures and captions of each part; SHA-256 of its zip of pictures, and of the year's zip of
# annotations, as in tensorflow/datasets, url_checksums/coco_captions.txt.
PARTS = {
    "train2014": (
        (82_783, 414_113),
        "ede4087e640bddba550e090eae701092534b554b42b05ac33f0300b984b31775",
    ),
    "val2014": (
        (40_504, 202_654),
        "fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0",
    ),
    "train2017": (
        (118_287, 591_753),
        "69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
    ),
    "val2017": (
        (5_000, 25_014),
        "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
    ),
}
ANNOTATIONS = {
    2014: "031296bbc80c45a1d1f76bf9a90ead27e94e99ec629208449507a4917a3bf009",
    2017: "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
}


def read(files: Files, part: str) -> list[CaptionedPictures]:
    """The official file of a part, or else others whose names begin likewise, such as a half."""
    begin = rf"(^|/)captions_{part}"
    names = files.names((".json",))
    if any(re.search(rf"{begin}\.json$", name) for name in names):
        return [coco.load(files, part[:-4], year=int(part[-4:]))]
    return [coco.load_file(files.root / n, files) for n in names if re.search(begin, n)]


RECIPE = Recipe(
    name="coco",
    title="COCO captions",
    parts=tuple(
        Part(
            part,
            needs=rf"(^|/)captions_{part}[^/]*\.json$",
            read=lambda files, part=part: read(files, part),
            counts={"pictures": pictures, "captions": captions},
        )
        for part, ((pictures, captions), _) in PARTS.items()
    ),
    downloads=(
        *(
            Download(
                f"annotations_trainval{year}.zip",
                (f"{ADDRESS}/annotations/annotations_trainval{year}.zip",),
                provides=rf"(^|/)captions_val{year}\.json$",
                sha256=sha256,
                parts=(f"train{year}", f"val{year}"),
            )
            for year, sha256 in ANNOTATIONS.items()
        ),
        *(
            Download(
                f"{part}.zip",
                (f"{ADDRESS}/zips/{part}.zip",),
                provides=rf"(^|/){part}/[^/]+\.jpg$",
                sha256=sha256,
                parts=(part,),
            )
            for part, (_, sha256) in PARTS.items()
        ),
    ),
    usual=("train2014", "val2014"),
)


def main(arguments: list[str] | None = None) -> int:
    """Download, read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())

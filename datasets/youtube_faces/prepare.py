"""Say how to get YouTube Faces, and check what is in DIR/youtube_faces."""

import re
import sys

from simlearn.data import youtube_faces
from simlearn.data.fetching import Part, Recipe, recipe_main
from simlearn.data.files import Files
from simlearn.data.records import VideoPairs

FRAME = re.compile(rf"((?:.*/)?(?:{'|'.join(youtube_faces.FOLDERS)}))/")


def read(files: Files) -> list[VideoPairs]:
    """The pairs, once for each folder of frames."""
    matches = [FRAME.match(name) for name in files.names((".jpg",))]
    folders = sorted({match[1] for match in matches if match})
    return [youtube_faces.load(files, folder=folder) for folder in folders or [None]]


RECIPE = Recipe(
    name="youtube_faces",
    title="YouTube Faces",
    parts=(
        Part(
            "pairs",
            needs=r"(^|/)meta_and_splits\.mat$",
            read=read,
            counts={"pairs": 5_000, "videos": 3_425},
        ),
    ),
    by_hand="""
YouTube Faces has to be asked for: fill in the form on https://www.cs.tau.ac.il/~wolf/ytfaces/,
which then shows a user name and password for the download. Terms: for research; those that the
form shows. Unpack YouTubeFaces.tar.gz so that there are:
  DIR/youtube_faces/meta_and_splits.mat
  DIR/youtube_faces/frame_images_DB/PERSON/NUMBER/*.jpg     (or aligned_images_DB, or both)
Then call this script again; it counts what is there.
""",
)


def main(arguments: list[str] | None = None) -> int:
    """Read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())

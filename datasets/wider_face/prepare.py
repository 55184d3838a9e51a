"""Download the lists of WIDER FACE into DIR/wider_face, say how to get the pictures, and check."""

import sys

from simlearn.data import wider_face
from simlearn.data.fetching import Download, Part, Recipe, recipe_main

LISTS = {
    "train": ("train_bbx_gt", 12_880),
    "validation": ("val_bbx_gt", 3_226),
    "test": ("test_filelist", 16_097),
}

RECIPE = Recipe(
    name="wider_face",
    title="WIDER FACE",
    parts=tuple(
        Part(
            split,
            needs=rf"(^|/)wider_face_split/wider_face_{name}\.txt$",
            read=lambda files, split=split: wider_face.load(files, split),
            counts={"pictures": count},
        )
        for split, (name, count) in LISTS.items()
    ),
    downloads=(
        # SHA-256 as in tensorflow/datasets, url_checksums/wider_face.txt.
        Download(
            "wider_face_split.zip",
            (
                "http://mmlab.ie.cuhk.edu.hk/projects/WIDERFace/support/bbx_annotation/"
                "wider_face_split.zip",
            ),
            provides=r"(^|/)wider_face_train_bbx_gt\.txt$",
            sha256="c7561e4f5e7a118c249e0a5c5c902b0de90bbf120d7da9fa28d99041f68a8a5c",
        ),
    ),
    by_hand="""
The pictures of WIDER FACE have to be downloaded by hand, from Google Drive or one of the other
places that http://shuoyang1213.me/WIDERFACE/ names (for research; terms as stated there). Put the
zips, packed or unpacked, here:
  DIR/wider_face/WIDER_train.zip     1.5 GB
  DIR/wider_face/WIDER_val.zip       0.4 GB
  DIR/wider_face/WIDER_test.zip      1.8 GB
Then call this script again; it counts what is there.
""",
)


def main(arguments: list[str] | None = None) -> int:
    """Download, read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Say how to get CelebA and MAFL, and check what is in DIR/celeba."""

import sys

from simlearn.data import celeba
from simlearn.data.fetching import Part, Recipe, recipe_main

COUNTS = {"train": 162_770, "validation": 19_867, "test": 19_962}
MAFL = {"train": (19_000, "training"), "test": (1_000, "testing")}

RECIPE = Recipe(
    name="celeba",
    title="CelebA",
    parts=(
        *(
            Part(
                split,
                needs=r"(^|/)list_(landmarks_align_celeba|eval_partition)\.txt$",
                read=lambda files, split=split: celeba.load(files, split),
                counts={"pictures": count},
            )
            for split, count in COUNTS.items()
        ),
        Part(
            "identities",
            needs=r"(^|/)identity_CelebA\.txt$",
            read=celeba.identities,
            counts={"pictures": 202_599, "classes": 10_177},
        ),
        *(
            Part(
                f"mafl-{split}",
                needs=rf"(^|/){name}\.txt$",
                read=lambda files, split=split: celeba.mafl(files, split),
                counts={"pictures": count},
            )
            for split, (count, name) in MAFL.items()
        ),
    ),
    by_hand="""
CelebA is for non-commercial research only; the agreement stands on
https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, with links to Google Drive and Baidu. Download
"Align&Cropped Images" and the lists, and MAFL's two lists from
https://github.com/zhzhanp/TCDCN-face-alignment (folder MAFL), so that there are:
  DIR/celeba/img_align_celeba.zip                (or unpacked)
  DIR/celeba/list_landmarks_align_celeba.txt
  DIR/celeba/list_attr_celeba.txt
  DIR/celeba/list_eval_partition.txt
  DIR/celeba/identity_CelebA.txt
  DIR/celeba/MAFL/training.txt
  DIR/celeba/MAFL/testing.txt
Then call this script again; it counts what is there.
""",
)


def main(arguments: list[str] | None = None) -> int:
    """Read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())

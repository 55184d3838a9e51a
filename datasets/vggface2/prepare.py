"""Say how to get VGGFace2, and check what is in DIR/vggface2."""

import sys

from simlearn.data import vggface2
from simlearn.data.fetching import Part, Recipe, recipe_main

# As in the catalogue of tensorflow/datasets.
PICTURES = {"train": 3_141_890, "test": 169_396}

RECIPE = Recipe(
    name="vggface2",
    title="VGGFace2",
    parts=(
        *(
            Part(
                split,
                needs=rf"(^|/){split}/n[0-9]{{6}}/",
                read=lambda files, split=split: vggface2.load(files, split),
                counts={"pictures": PICTURES[split], "classes": vggface2.PEOPLE[split]},
            )
            for split in ("train", "test")
        ),
        Part(
            "identities",
            needs=r"(^|/)identity_meta\.csv$",
            read=vggface2.identities,
            counts={"people": sum(vggface2.PEOPLE.values())},
        ),
    ),
    by_hand="""
VGGFace2 was given out by the Visual Geometry Group, Oxford, after registration;
https://www.robots.ox.ac.uk/~vgg/data/vgg_face2/ is its page. Whether it is still given out, and
under which terms, was not verified. Unpack vggface2_train.tar.gz (37.9 GB), vggface2_test.tar.gz
(2.0 GB) and identity_meta.csv so that there are:
  DIR/vggface2/train/n000002/0001_01.jpg
  DIR/vggface2/test/n000001/0001_01.jpg
  DIR/vggface2/identity_meta.csv
Then call this script again; it counts what is there.
""",
)


def main(arguments: list[str] | None = None) -> int:
    """Read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())

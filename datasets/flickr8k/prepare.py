"""Say how to get Flickr8k, and check what is in DIR/flickr8k."""

import sys

from caption.data import flickr
from simlearn.data.fetching import Part, Recipe, recipe_main

RECIPE = Recipe(
    name="flickr8k",
    title="Flickr8k",
    parts=(
        *(
            Part(
                split,
                needs=rf"(^|/)Flickr_8k\.{split}Images\.txt$",
                read=lambda files, split=split: flickr.load_8k(files, split),
                counts={"pictures": count, "captions": flickr.CAPTIONS * count},
            )
            for split, count in (("train", 6_000), ("dev", 1_000), ("test", 1_000))
        ),
        Part(
            "all",
            needs=r"(^|/)Flickr8k\.token\.txt$",
            read=lambda files: flickr.load_8k(files, "all"),
            counts={"pictures": 8_092, "captions": 40_460},
            missing=1,
        ),
    ),
    by_hand="""
Flickr8k was given out by the University of Illinois after filling in a form
(https://forms.illinois.edu/sec/1713398), for non-commercial research and teaching; Flickr's terms
hold for the pictures. Whether the form still answers was not verified. Put the two zips, packed or
unpacked, here:
  DIR/flickr8k/Flickr8k_Dataset.zip     the pictures, about 1 GB
  DIR/flickr8k/Flickr8k_text.zip        the captions and lists
Then call this script again; it counts what is there.
""",
)


def main(arguments: list[str] | None = None) -> int:
    """Read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())

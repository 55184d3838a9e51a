"""Say how to get Flickr30k, and check what is in DIR/flickr30k."""

import sys

from caption.data import flickr
from simlearn.data.fetching import Part, Recipe, recipe_main

PICTURES = 31_783

RECIPE = Recipe(
    name="flickr30k",
    title="Flickr30k",
    parts=(
        Part(
            "all",
            needs=r"(^|/)results_20130124\.token$",
            read=flickr.load_30k,
            counts={"pictures": PICTURES, "captions": flickr.CAPTIONS * PICTURES},
        ),
    ),
    by_hand="""
Flickr30k is given out by the University of Illinois after filling in a form
(https://forms.illinois.edu/sec/229675), for non-commercial research and teaching; Flickr's terms
hold for the pictures. Whether the form still answers was not verified. Unpack the two archives so
that there are:
  DIR/flickr30k/results_20130124.token
  DIR/flickr30k/flickr30k-images/*.jpg
Then call this script again; it counts what is there.
""",
)


def main(arguments: list[str] | None = None) -> int:
    """Read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Say how to get Kaggle's facial keypoints, and check what is in DIR/kaggle_keypoints."""

import sys

from simlearn.data import kaggle_keypoints
from simlearn.data.fetching import Part, Recipe, recipe_main

RECIPE = Recipe(
    name="kaggle_keypoints",
    title="Kaggle's facial keypoints",
    # Counts as on the competition's page of data.
    parts=(
        Part("train", r"(^|/)training\.csv$", kaggle_keypoints.load, {"pictures": 7_049}),
        Part(
            "test",
            r"(^|/)test\.csv$",
            lambda files: kaggle_keypoints.load(files, "test"),
            {"pictures": 1_783},
        ),
        Part(
            "wanted",
            r"(^|/)IdLookupTable\.csv$",
            kaggle_keypoints.wanted,
            {"coordinates": 27_124},
        ),
    ),
    by_hand="""
Kaggle's facial keypoints need an account there, and the rules of the competition accepted: on
https://www.kaggle.com/c/facial-keypoints-detection/data. Download all, or with Kaggle's own
command `kaggle competitions download -c facial-keypoints-detection`, so that there is either
  DIR/kaggle_keypoints/facial-keypoints-detection.zip
or, by themselves,
  DIR/kaggle_keypoints/training.zip
  DIR/kaggle_keypoints/test.zip
  DIR/kaggle_keypoints/IdLookupTable.csv
Then call this script again; it counts what is there.
""",
)


def main(arguments: list[str] | None = None) -> int:
    """Read and count; the result is the exit status."""
    return recipe_main(RECIPE, arguments)


if __name__ == "__main__":
    sys.exit(main())

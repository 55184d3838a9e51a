"""Data sets from the web: downloads that resume, archives unpacked safely, and recipes.

`fetch` downloads one file and `extract` unpacks one archive; both leave something whole under the
final name or nothing. A `Recipe` says which files a data set has, where they come from and how
many records they should give; `recipe_main` makes a script of it, as in `datasets/`.
"""

from simlearn.data.fetching._archives import extract
from simlearn.data.fetching._downloads import fetch
from simlearn.data.fetching._parts import Part
from simlearn.data.fetching._recipes import Download, Recipe, recipe_main

__all__ = ["Download", "Part", "Recipe", "extract", "fetch", "recipe_main"]

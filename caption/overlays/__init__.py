"""Attention you can see: where a captioner looked for each word, laid over the picture.

`overlays` gives one picture a word, as `simlearn.report.Picture` and `tf.summary.image` take them;
`sheet` puts all of a caption side by side, titled with its words, in one picture. Numpy and Pillow
only, beside matplotlib's colours and font.
"""

from caption.overlays._heat import heat_maps
from caption.overlays._laid import overlays
from caption.overlays._sheets import sheet, word_pictures

__all__ = ["heat_maps", "overlays", "sheet", "word_pictures"]

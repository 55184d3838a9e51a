"""Builds one self-contained HTML page of text, tables, figures and picture grids.

The page loads nothing: styles, figures and pictures are inside it, and its content security policy
forbids everything else. It follows the reader's light or dark scheme, fits a phone and prints.
"""

from simlearn.report._page import Report
from simlearn.report._pictures import Mark, Picture
from simlearn.report._tables import Best

__all__ = ["Best", "Mark", "Picture", "Report"]

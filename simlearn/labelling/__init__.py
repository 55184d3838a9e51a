"""A local page to click landmarks on one's own pictures, and one to look at doubtful labels.

`simlearn label DIR --points eyes,nose` serves the first, on this machine alone; what is clicked
goes into CSV and MTFL-like files after every change, whole or not at all.
"""

from simlearn.labelling._decisions import kept, read_decisions, write_decisions
from simlearn.labelling._names import landmarks_of
from simlearn.labelling._server import Server
from simlearn.labelling._store import Labels

__all__ = ["Labels", "Server", "kept", "landmarks_of", "read_decisions", "write_decisions"]

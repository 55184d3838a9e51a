"""`simlearn label ...`: a page to click landmarks, until Ctrl-C."""

import argparse
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path


def run(arguments: Sequence[str], *, prog: str) -> int:
    """Serve the page, and return the exit status."""
    options = _parser(prog).parse_args(arguments)
    from simlearn.labelling import Labels, Server, landmarks_of
    from simlearn.labelling._clicking import Clicking

    labels = Labels(options.folder, landmarks_of(options.points))
    server = Server(Clicking(labels), port=options.port)
    counts = labels.counts()
    sys.stdout.write(
        f"{server.address}\n{len(labels)} pictures, {counts['done']} done; "
        "stop with Ctrl-C, and the same command goes on from there\n"
    )
    sys.stdout.flush()
    if options.browser:
        webbrowser.open(server.address)
    try:
        server.run()
    except KeyboardInterrupt:
        counts = labels.counts()
        sys.stdout.write(f"{counts['done']} of {len(labels)} done: {labels.folder}\n")
    return 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Click landmarks on the pictures of a folder, in the browser of this machine. "
        "Writes labels.csv and labels.txt into the folder after every change.",
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="with the pictures")
    add("--points", required=True, metavar="NAMES",
        help="what is clicked, such as eyes,nose; left is the picture's left")  # fmt: skip
    add("--port", type=int, default=0, help="of the page (default: any that is free)")
    add("--no-browser", dest="browser", action="store_false", help="do not open the page")
    return parser

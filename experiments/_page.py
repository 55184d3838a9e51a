"""The report of a run: a page of its own, or a chapter of a page that several share."""

from collections.abc import Iterator
from contextlib import contextmanager

from simlearn.report import Report
from simlearn.runs import Run


@contextmanager
def of_run(run: Run, shared: Report | None, *, title: str, protocol: str) -> Iterator[Report]:
    """The page to fill: saved and announced at the end, where it is the run's own.

    Args:
        run: open.
        shared: the page that gets a chapter, if there is one; whoever made it saves it.
        title: of the page or chapter.
        protocol: the line below it.
    """
    if shared is not None:
        shared.chapter(title, subtitle=protocol)
        yield shared
        return
    page = Report(title, subtitle=protocol)
    yield page
    save(page, run)


def save(page: Report, run: Run) -> None:
    """Write the run's page, and say where it is."""
    path = page.save(run.directory / "report.html")
    print(f"report:      {path} (open it in a browser)")

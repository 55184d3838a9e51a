"""What the documentation shows runs, prints what it says, and points at things that exist.

The marks of a page, each an HTML comment right before a fenced block:

- `not run: REASON` - a Python block of README.md or docs/ that cannot run here (a download, say);
- `run` - a Python block of another README that is to be run.

All run blocks of a page share one namespace and one empty working folder. A `text` block shows
what the Python block before it prints, `...` standing for whatever changes.
"""

import contextlib
import doctest
import io
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import pytest
from tensorflow.python.framework import config as tensorflow_config

ROOT = Path(__file__).resolve().parents[2]
GUIDE = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
OTHER = sorted([*ROOT.glob("experiments/*/README.md"), *ROOT.glob("datasets/*/README.md")])
PAGES = GUIDE + OTHER
TOP_LEVEL = ("simlearn", "caption", "datasets", "experiments", "tests", "docs", ".ci")

FENCE = re.compile(r"^(?P<indent> *)```(?P<info>.*)$")
MARK = re.compile(r"^<!--\s*(?P<text>(?:not run|run)\b.*?)\s*-->$", re.DOTALL)
REASON = re.compile(r"not run:\s*(?P<reason>\S.*)", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)", re.M)
INLINE = re.compile(r"`+([^`\n]+)`+")
MAKE = re.compile(r"(?:^|[\s;&|(])make +([a-z][a-z-]*)", re.M)
MODULE = re.compile(r"python3? -m ((?:simlearn|caption|experiments)[\w.]*)")
PATH = re.compile(rf"(?:{'|'.join(map(re.escape, TOP_LEVEL))})/[\w./-]*")
NAME = re.compile(r"(?:simlearn|caption)(?:\.\w+)+")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its text, and the comment before it."""

    language: str
    text: str
    line: int
    mark: str


def blocks_of(text: str) -> list[Block]:
    """All fenced blocks, and an error for a mark that stands before anything else."""
    found: list[Block] = []
    lines = text.splitlines()
    mark, number = "", 0
    while number < len(lines):
        fence = FENCE.match(lines[number])
        comment = MARK.match(lines[number].strip())
        if fence:
            indent = len(fence["indent"])
            closing = fence["indent"] + "```"
            end = lines.index(closing, number + 1)
            body = "\n".join(line[indent:] for line in lines[number + 1 : end]) + "\n"
            found.append(Block(fence["info"].strip(), body, number + 1, mark))
            mark, number = "", end
        elif comment:
            mark = comment["text"]
        elif lines[number].strip() and mark:
            raise AssertionError(f"line {number + 1}: {mark!r} must stand right before a block")
        number += 1
    return found


def is_run(block: Block, *, guide: bool) -> bool:
    """Whether the block is Python to execute; a block that is not must say why."""
    if block.language != "python":
        assert not block.mark, f"line {block.line}: {block.mark!r} is for Python blocks"
        return False
    if block.mark.startswith("not run"):
        assert REASON.fullmatch(block.mark), f"line {block.line}: say why it is not run"
        return False
    return guide or block.mark == "run"


def expected_output(blocks: list[Block], place: int) -> str | None:
    """The text block that comes next, whatever prose stands between."""
    following = blocks[place + 1 : place + 2]
    return following[0].text if following and following[0].language == "text" else None


def check_output(want: str, got: str, where: str) -> None:
    """Compare as doctest does, with `...` for what changes."""
    flags = doctest.ELLIPSIS
    if not doctest.OutputChecker().check_output(want, got, flags):
        example = doctest.Example("", want)
        difference = doctest.OutputChecker().output_difference(example, got, flags)
        raise AssertionError(f"{where}\n{difference}")


def execute(path: str, text: str, *, guide: bool) -> int:
    """Run the page's blocks in order; returns how many."""
    blocks = blocks_of(text)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for place, block in enumerate(blocks):
        if not is_run(block, guide=guide):
            continue
        # Empty lines in front, so that a traceback shows the line of the page.
        code = compile("\n" * block.line + block.text, path, "exec")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)
        want = expected_output(blocks, place)
        if want is not None:
            check_output(want, printed.getvalue(), f"{path}, line {block.line}")
        count += 1
    return count


def prose_of(text: str) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.M | re.DOTALL)


def code_of(text: str) -> str:
    """What the page sets as code, inline or as a block that is not Python: commands, paths."""
    blocks = [block.text for block in blocks_of(text) if block.language != "python"]
    return "\n".join([*INLINE.findall(prose_of(text)), *blocks])


def broken_links(page: Path, text: str) -> list[str]:
    """Relative links whose file is not there."""
    bare = INLINE.sub("", prose_of(text))
    targets = [first or second for first, second in LINK.findall(bare)]
    local = [t for t in targets if not re.match(r"[a-z][a-z+.-]*:|#", t)]
    return [t for t in local if not (page.parent / t.split("#")[0]).exists()]


def missing_targets(text: str) -> list[str]:
    """`make` targets that the Makefile does not have."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.M))
    return sorted(set(MAKE.findall(code_of(text))) - known)


def missing_modules(text: str) -> list[str]:
    """Modules of ours that `python -m` could not run."""
    absent = []
    for name in sorted({found.rstrip(".") for found in MODULE.findall(code_of(text))}):
        base = ROOT.joinpath(*name.split("."))
        if not (base / "__main__.py").exists() and not base.with_suffix(".py").exists():
            absent.append(name)
    return absent


def missing_paths(text: str) -> list[str]:
    """Files and folders of the project, named in code, that are not there."""
    spans = {span.strip() for span in INLINE.findall(prose_of(text))}
    return sorted(s for s in spans if PATH.fullmatch(s) and not (ROOT / s).exists())


def missing_names(text: str) -> list[str]:
    """Dotted names of the library, set as code, that cannot be imported."""
    absent = []
    for name in sorted({s for s in INLINE.findall(prose_of(text)) if NAME.fullmatch(s)}):
        try:
            pkgutil.resolve_name(name)
        except (ImportError, AttributeError):
            absent.append(name)
    return absent


@pytest.fixture
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty working folder, and Keras as it was."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIMLEARN_RUNS", raising=False)
    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(0)
    deterministic = tensorflow_config.is_op_determinism_enabled()
    yield
    if not deterministic:
        # A page that seeds everything turned it on, and Keras then refuses jit_compile=True; the
        # public module has no way back.
        tensorflow_config.disable_op_determinism()
    keras.config.set_dtype_policy(policy)
    keras.backend.clear_session()


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.usefixtures("_clean")
@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_blocks_run_and_print_what_they_show(page: Path) -> None:
    execute(_name(page), page.read_text(encoding="utf-8"), guide=page in GUIDE)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert broken_links(page, text) == []
    assert missing_targets(text) == []
    assert missing_modules(text) == []
    assert missing_paths(text) == []
    assert missing_names(text) == []


def test_every_public_module_of_caption_has_a_place_in_the_reference() -> None:
    pages = "".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))
    shown = set(re.findall(r"^::: (\S+)$", pages, re.M))
    modules = [module.name for module in pkgutil.iter_modules([str(ROOT / "caption")])]
    # The data's modules each have their own.
    public = {f"caption.{name}" for name in modules if not name.startswith("_")} - {"caption.data"}
    assert public - shown == set()


def test_the_guides_are_run() -> None:
    # Were the marks or the parser to go wrong, every block could be skipped without a failure.
    texts = {_name(page): page.read_text(encoding="utf-8") for page in GUIDE}
    run = [b for text in texts.values() for b in blocks_of(text) if is_run(b, guide=True)]
    assert len(run) >= 15
    for guide in ("losses", "mining", "runs"):
        blocks = blocks_of(texts[f"docs/guides/{guide}.md"])
        assert sum(is_run(block, guide=True) for block in blocks) >= 3, guide


# One page with each kind of mistake: the checks above see them all.

PRINTS = "```python\nprint('one'); print(0.97)\n```\n\nwhich prints\n\n```text\n{}\n```\n"


def test_output_is_compared() -> None:
    execute("page", PRINTS.format("one\n0.9..."), guide=True)
    with pytest.raises(AssertionError, match="page, line 1"):
        execute("page", PRINTS.format("one\n0.8..."), guide=True)


def test_blocks_share_a_namespace_and_name_their_line() -> None:
    page = "```python\na = 2\n```\n\n```python\n\nb = a\nb / 0\n```\n"
    with pytest.raises(ZeroDivisionError) as caught:
        execute("page", page, guide=True)
    assert caught.traceback[-1].lineno == 7  # counted from 0; the page's line 8


def test_a_block_left_out_says_why() -> None:
    page = "{}\n\n```python\n1 / 0\n```\n"
    assert execute("page", page.format("<!-- not run: downloads 11 MB -->"), guide=True) == 0
    for silent in ("<!-- not run -->", "<!-- not run: -->"):
        with pytest.raises(AssertionError, match="say why"):
            execute("page", page.format(silent), guide=True)
    with pytest.raises(AssertionError, match="right before"):
        execute("page", page.format("<!-- not run: too long -->\nProse."), guide=True)


def test_other_readmes_run_what_they_mark() -> None:
    page = "```python\n1 / 0\n```\n\n<!-- run -->\n```python\na = 2\n```\n"
    assert execute("page", page, guide=False) == 1


def test_a_missing_thing_is_reported() -> None:
    page = ROOT / "docs" / "page.md"
    text = (
        "[a](index.md#top) [b](nowhere.md) [c](https://keras.io/api) ![d](none.png) [e](#here)\n"
        "Run `make test` or `make sandwich`, and make sure that\n"
        "`python -m experiments.digits` and `python -m experiments.unheard` work. See\n"
        "`simlearn/losses/` and `simlearn/unheard.py`, `simlearn.losses.TripletLoss` and\n"
        "`simlearn.losses.UnheardLoss`, `caption.unheard`.\n\n"
        "```bash\nmake demo && make coffee\n```\n"
    )
    assert broken_links(page, text) == ["nowhere.md", "none.png"]
    assert missing_targets(text) == ["coffee", "sandwich"]
    assert missing_modules(text) == ["experiments.unheard"]
    assert missing_paths(text) == ["simlearn/unheard.py"]
    assert missing_names(text) == ["caption.unheard", "simlearn.losses.UnheardLoss"]

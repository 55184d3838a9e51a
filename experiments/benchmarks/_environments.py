"""The peers' environments: made once, with venv (or uv) and pip, and kept."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import filelock


@dataclass(frozen=True)
class Recipe:
    """How to make an environment.

    Attributes:
        name: of its folder.
        python: version that it needs.
        installs: arguments of `pip install`, one call after the other.
    """

    name: str
    python: str
    installs: tuple[tuple[str, ...], ...]


class EnvironmentFailedError(RuntimeError):
    """An environment could not be made; the message says why."""


def python_of(recipe: Recipe, folder: Path) -> Path:
    """Interpreter of the recipe's environment, which is made where it is not there.

    Raises:
        EnvironmentFailedError: no fitting Python, or pip failed.
    """
    target = folder / recipe.name
    interpreter, stamp = target / "bin" / "python", target / "installed"
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / f"{recipe.name}.lock"):
        if not (stamp.is_file() and stamp.read_text() == str(recipe)):
            print(f"making the environment {target}", file=sys.stderr, flush=True)
            shutil.rmtree(target, ignore_errors=True)
            _create(recipe, target)
            for packages in recipe.installs:
                _call([str(interpreter), "-m", "pip", "install", "--quiet", *packages])
            stamp.write_text(str(recipe))
    return interpreter


def _create(recipe: Recipe, target: Path) -> None:
    if (python := _find_python(recipe.python)) is not None:
        _call([python, "-m", "venv", str(target)])
    elif (uv := shutil.which("uv")) is not None:
        _call([uv, "venv", "--quiet", "--seed", "--python", recipe.python, str(target)])
    else:
        raise EnvironmentFailedError(f"expected Python {recipe.python}, or uv, and found neither")


def _find_python(version: str) -> str | None:
    """An interpreter of this version that can make environments."""
    check = f"import sys, ensurepip, venv; sys.exit('%d.%d' % sys.version_info[:2] != {version!r})"
    for candidate in (sys.executable, f"python{version}", "python3", "python"):
        path = shutil.which(candidate)
        if path and subprocess.run([path, "-c", check], capture_output=True).returncode == 0:
            return path
    return None


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        errors = [line for line in lines if line.startswith("ERROR")]
        raise EnvironmentFailedError(f"{' '.join(command[1:])}: {(errors or lines)[-1]}")

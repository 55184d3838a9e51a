"""A predictor as one file: its networks and its plan, whole or not there."""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Final

import keras

from simlearn._files import open_atomically
from simlearn.errors import RunError, UserError
from simlearn.landmarks._plan import Plan
from simlearn.landmarks._predictor import Predictor

_PLAN: Final = "plan.json"


def save(predictor: Predictor, path: str | Path) -> None:
    """Write a predictor to one file; one that is there is replaced.

    Args:
        predictor: see there.
        path: of the file; `.landmarks` is a good ending.

    Raises:
        RunError: the file cannot be written; an old one stays as it was.
    """
    networks = {"coarse": predictor.coarse, "fine": predictor.fine}
    path = Path(path)
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            open_atomically(path) as file,
            zipfile.ZipFile(file, "w") as archive,
        ):
            archive.writestr(_PLAN, json.dumps(predictor.plan.as_json(), indent=1))
            for name, network in networks.items():
                if network is not None:
                    part = Path(folder) / f"{name}.keras"
                    network.save(part)
                    archive.write(part, part.name)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error


def load(path: str | Path) -> Predictor:
    """Read a predictor.

    Args:
        path: of a file that `save` wrote.

    Raises:
        UserError: the file is not there or holds something else.
    """
    path = Path(path)
    try:
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
            plan = Plan.from_json(json.loads(archive.read(_PLAN)))
            networks = {}
            for name in ("coarse", "fine") if plan.fine else ("coarse",):
                networks[name] = keras.saving.load_model(
                    archive.extract(f"{name}.keras", folder), compile=False
                )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: expected a landmark predictor, received: {error}") from error
    return Predictor(plan, networks["coarse"], networks.get("fine"))

"""The projector's files, read back with TensorBoard's own code and by hand."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from simlearn import tensorboard
from simlearn.errors import UserError
from simlearn.tensorboard import sprite, write_projector


def embedding(rows: int, dim: int) -> np.ndarray:
    return np.random.default_rng(rows).normal(size=(rows, dim)).astype(np.float32)


def config(folder: Path) -> Any:
    return text_format.Parse((folder / "projector_config.pbtxt").read_text(), ProjectorConfig())


def metadata(folder: Path, index: int = 0) -> list[list[str]]:
    text = (folder / config(folder).embeddings[index].metadata_path).read_bytes().decode("utf-8")
    assert text.endswith("\n")
    return [line.split("\t") for line in text[:-1].split("\n")]


class TestWriteProjector:
    def test_a_float32_survives_the_text(self, tmp_path: Path) -> None:
        values = embedding(7, 5) * np.float32(1e-12)
        write_projector(tmp_path, "e", values)
        info = config(tmp_path).embeddings[0]
        read = np.loadtxt(tmp_path / info.tensor_path, delimiter="\t", dtype=np.float32)
        np.testing.assert_array_equal(read, values)
        assert list(info.tensor_shape) == [7, 5]
        assert not info.metadata_path
        assert not info.HasField("sprite")

    def test_columns_stand_in_order_with_the_row_number_last(self, tmp_path: Path) -> None:
        write_projector(
            tmp_path,
            "e",
            embedding(3, 2),
            labels=["b", "a", "c"],
            columns={"age": np.array([41, 37, 5])},
        )
        assert metadata(tmp_path) == [
            ["label", "age", "row"],
            ["b", "41", "0"],
            ["a", "37", "1"],
            ["c", "5", "2"],
        ]

    def test_one_own_column_keeps_its_title(self, tmp_path: Path) -> None:
        # The projector reads a first line without a tab as data, not as titles.
        write_projector(tmp_path / "a", "e", embedding(2, 2), columns={"row": [5, 6]})
        assert metadata(tmp_path / "a") == [["row", "point"], ["5", "0"], ["6", "1"]]

    @pytest.mark.parametrize(
        ("label", "cell"),
        [
            ("a\tb", r"a\tb"),
            ("a\nb", r"a\nb"),
            ("a\r\nb", r"a\r\nb"),
            ("a\x0bb\x85\u2028c", r"a\x0bb\x85\u2028c"),
            ("\ud800", r"\ud800"),
            ("", "(blank)"),
            (" \u3000", "(blank)"),
            ("Ångström 猫", "Ångström 猫"),
            (None, "None"),
            (np.int64(7), "7"),
        ],
    )
    def test_a_label_cannot_break_its_line(self, tmp_path: Path, label: object, cell: str) -> None:
        write_projector(tmp_path, "e", embedding(2, 3), labels=[label, "next"])
        assert metadata(tmp_path) == [["label", "row"], [cell, "0"], ["next", "1"]]

    def test_several_embeddings_stand_side_by_side_and_one_is_replaced(
        self, tmp_path: Path
    ) -> None:
        write_projector(tmp_path, "a", embedding(5, 2), labels=range(5))
        write_projector(tmp_path, "b/1", embedding(3, 2))
        write_projector(tmp_path, "a", embedding(7, 3))
        first, second = config(tmp_path).embeddings
        assert (first.tensor_name, list(first.tensor_shape)) == ("a", [7, 3])
        assert (second.tensor_name, list(second.tensor_shape)) == ("b/1", [3, 2])
        assert not first.metadata_path
        left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.tsv"))
        assert left == sorted([first.tensor_path, second.tensor_path])

    def test_writing_the_same_again_changes_nothing(self, tmp_path: Path) -> None:
        for _ in range(2):
            write_projector(tmp_path, "a", embedding(5, 2), labels=range(5))
        assert len(config(tmp_path).embeddings) == 1
        assert metadata(tmp_path)[1] == ["0", "0"]

    def test_embeddings_of_others_are_kept(self, tmp_path: Path) -> None:
        theirs = 'model_checkpoint_path: "x"\nembeddings { tensor_name: "layer/kernel:0" }\n'
        (tmp_path / "projector_config.pbtxt").write_text(theirs)
        write_projector(tmp_path, "mine", embedding(3, 2))
        merged = config(tmp_path)
        assert merged.model_checkpoint_path == "x"
        assert [info.tensor_name for info in merged.embeddings] == ["layer/kernel:0", "mine"]

    def test_a_name_that_tensorboard_takes_for_the_same_is_replaced(self, tmp_path: Path) -> None:
        # The projector cuts ":0" off a tensor's name when it reads the list.
        (tmp_path / "projector_config.pbtxt").write_text('embeddings { tensor_name: "mine:0" }')
        write_projector(tmp_path, "mine", embedding(3, 2))
        assert [info.tensor_name for info in config(tmp_path).embeddings] == ["mine"]

    def test_the_list_names_only_files_that_are_there(self, tmp_path: Path) -> None:
        images = np.zeros((3, 29, 31), np.uint8)
        write_projector(tmp_path, "..", embedding(3, 2), labels="abc", images=images)
        info = config(tmp_path).embeddings[0]
        for path in (info.tensor_path, info.metadata_path, info.sprite.image_path):
            file = (tmp_path / path).resolve()
            assert file.is_file()
            # TensorBoard refuses files outside the list's folder.
            assert tmp_path.resolve() in file.parents

    def test_a_crash_while_writing_leaves_the_old_embedding(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_projector(tmp_path, "a", embedding(5, 2), labels=range(5))
        before = config(tmp_path)

        def fail(path: Path, data: bytes) -> None:
            if path.name == "metadata.tsv":
                raise OSError("disk full")
            path.write_bytes(data)

        with monkeypatch.context() as patched:
            patched.setattr(tensorboard, "write_atomically", fail)
            with pytest.raises(OSError, match="disk full"):
                write_projector(tmp_path, "a", embedding(5, 2), labels=range(1, 6))
        assert config(tmp_path) == before
        assert metadata(tmp_path)[1] == ["0", "0"]
        write_projector(tmp_path, "a", embedding(5, 2), labels=range(1, 6))
        assert metadata(tmp_path)[1] == ["1", "0"]
        assert len(list((tmp_path / "projector" / "a").iterdir())) == 1

    def test_sprite_and_its_cell_fit(self, tmp_path: Path) -> None:
        images = np.random.default_rng(1).integers(0, 256, (7, 29, 31, 3), np.uint8)
        write_projector(tmp_path, "e", embedding(7, 2), images=images)
        info = config(tmp_path).embeddings[0]
        picture = np.asarray(Image.open(tmp_path / info.sprite.image_path))
        np.testing.assert_array_equal(picture, sprite(images))
        assert list(info.sprite.single_image_dim) == [31, 31]
        assert picture.shape == (93, 93, 3)  # ceil(sqrt(7)) = 3 cells a side

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"name": " "}, "name: expected"),
            ({"name": "a:0"}, "colon"),
            ({"name": "a\nb"}, "printable"),
            ({"name": "x" * 201}, "200 bytes"),
            ({"embeddings": np.zeros(3)}, r"shape \(n, d\).*got \(3,\)"),
            ({"embeddings": np.zeros((0, 3))}, r"got \(0, 3\)"),
            ({"embeddings": [[1.0, np.nan], [1, 2], [np.inf, 1]]}, "got 2 rows"),
            ({"embeddings": np.full((3, 2), 1e300)}, "got 3 rows"),
            ({"labels": [1, 2]}, "column 'label': expected 3 values.*got 2"),
            ({"labels": "abc", "columns": {"label": "abc"}}, "different titles"),
            ({"columns": {" ": "abc"}}, "different titles"),
            ({"images": np.zeros((5, 7, 7), np.uint8)}, "expected 3, one a point, got 5"),
            ({"images": np.zeros((3, 7, 7))}, "uint8 array, got float64"),
        ],
    )
    @pytest.mark.filterwarnings("ignore:overflow encountered")
    def test_refuses(self, tmp_path: Path, change: dict[str, Any], message: str) -> None:
        arguments: dict[str, Any] = {"name": "e", "embeddings": embedding(3, 2), **change}
        with pytest.raises(UserError, match=message):
            write_projector(tmp_path, **arguments)
        assert not (tmp_path / "projector_config.pbtxt").exists()

    def test_refuses_a_list_that_is_none(self, tmp_path: Path) -> None:
        file = tmp_path / "projector_config.pbtxt"
        file.write_text("{not a list")
        with pytest.raises(UserError, match=r"projector_config\.pbtxt: expected"):
            write_projector(tmp_path, "e", embedding(3, 2))
        assert file.read_text() == "{not a list"


class TestSprite:
    def test_cells_lie_row_by_row_and_the_rest_is_white(self) -> None:
        images = np.random.default_rng(2).integers(0, 255, (5, 31, 31), np.uint8)
        atlas = sprite(images)
        assert atlas.shape == (93, 93)
        for index, (row, column) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]):
            cell = atlas[row * 31 : row * 31 + 31, column * 31 : column * 31 + 31]
            np.testing.assert_array_equal(cell, images[index])
        assert (atlas[31:62, 62:] == 255).all()
        assert (atlas[62:] == 255).all()

    @pytest.mark.parametrize(("count", "grid"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (10, 4)])
    def test_the_grid_is_square(self, count: int, grid: int) -> None:
        assert sprite(np.zeros((count, 29, 29), np.uint8)).shape == (29 * grid, 29 * grid)

    def test_a_narrow_picture_keeps_its_proportions(self) -> None:
        atlas = sprite(np.zeros((1, 41, 23), np.uint8))
        # (41 - 23) / 2 = 9 white columns on either side.
        assert atlas.shape == (41, 41)
        assert (atlas[:, :9] == 255).all()
        assert (atlas[:, 9:32] == 0).all()
        assert (atlas[:, 32:] == 255).all()

    def test_a_small_picture_is_enlarged_by_a_whole_factor(self) -> None:
        image = np.arange(35, dtype=np.uint8).reshape(1, 7, 5)
        atlas = sprite(image)  # 24 / 7 -> 4
        assert atlas.shape == (28, 28)
        np.testing.assert_array_equal(atlas[:, 4:24], np.kron(image[0], np.ones((4, 4), np.uint8)))

    def test_a_large_picture_is_averaged(self) -> None:
        # Stripes of two columns, 128 -> 64 px: every pixel is the mean of one black, one white.
        image = np.zeros((1, 128, 128), np.uint8)
        image[:, :, ::2] = 255
        atlas = sprite(image)
        assert atlas.shape == (64, 64)
        assert set(np.unique(atlas)) <= {127, 128}

    def test_many_pictures_shrink_below_the_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tensorboard, "MAX_SPRITE_PX", 71)
        atlas = sprite(np.zeros((37, 29, 29, 3), np.uint8))  # 7 a side: 71 // 7 = 10 px each
        assert atlas.shape == (70, 70, 3)
        with pytest.raises(UserError, match=r"at most 289 pictures.*got 290"):
            sprite(np.zeros((290, 7, 7), np.uint8))  # 71 // 4 = 17 a side, 17 * 17 = 289
        assert sprite(np.zeros((289, 7, 7), np.uint8)).shape == (68, 68)

    def test_one_channel_is_grey(self) -> None:
        images = np.random.default_rng(3).integers(0, 256, (3, 29, 29, 1), np.uint8)
        np.testing.assert_array_equal(sprite(images), sprite(images[..., 0]))

    @pytest.mark.parametrize(
        "images",
        [
            np.zeros((3, 7), np.uint8),
            np.zeros((0, 7, 7), np.uint8),
            np.zeros((3, 7, 7, 4), np.uint8),
            np.zeros((3, 7, 7), np.float32),
            [[[1]]],
        ],
    )
    def test_refuses(self, images: Any) -> None:
        with pytest.raises(UserError, match="images: expected"):
            sprite(images)


def test_needs_neither_tensorflow_nor_setuptools(tmp_path: Path) -> None:
    program = f"""
import sys
for absent in ("tensorflow", "setuptools", "pkg_resources", "keras"):
    sys.modules[absent] = None
import simlearn.tensorboard
assert not any(name.startswith("tensorboard") for name in sys.modules), "tensorboard is early"
simlearn.tensorboard.write_projector({str(tmp_path)!r}, "e", [[1.0, 2.0]], labels=["a"])
"""
    subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert config(tmp_path).embeddings[0].tensor_name == "e"

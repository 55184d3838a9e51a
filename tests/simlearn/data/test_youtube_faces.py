import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from simlearn.data import youtube_faces
from simlearn.errors import DatasetError
from tests.simlearn.data.damage import COPIES, check_damage
from tests.simlearn.data.pictures import archive, encoded, folder, noise

VIDEOS = ["Ann/0", "Ann/2", "Bob_Lee/1", "Cy/0", "Cy/5"]
# Three pairs in each of two folds, counted from 1: (rows, 3, folds).
SPLITS = np.stack(
    [
        [[1, 2, 1], [3, 1, 0], [4, 5, 1]],
        [[2, 3, 0], [5, 4, 1], [5, 1, 0]],
    ],
    axis=2,
).astype(float)
FRAME = encoded(noise(13, 11), "JPEG")
FRAMES = {
    f"frame_images_DB/{name}.jpg": FRAME
    for name in ("Ann/0/0.9", "Ann/0/0.10", "Ann/0/0.101", "Bob_Lee/1/1.1", "Cy/5/x", "Dee/0/0.1")
}


def mat(videos=VIDEOS, splits=SPLITS, **options):
    """The file as scipy writes it, with a variable more, as the official file has some."""
    names = np.empty((len(videos), 1), object)
    names[:, 0] = videos
    stream = io.BytesIO()
    other = np.arange(7)
    savemat(stream, {"other": other, "video_names": names, "Splits": splits}, **options)
    # The header would hold the time of writing.
    return b"MATLAB 5.0 MAT-file".ljust(116) + stream.getvalue()[116:]


META = mat()


@pytest.fixture(params=["folder", "zip", "deep", "compressed"])
def root(request, tmp_path):
    match request.param:
        case "zip":
            return archive(tmp_path / "YouTubeFaces.zip", {"meta_and_splits.mat": META} | FRAMES)
        case "deep":
            deep = {f"YouTubeFaces/{key}": value for key, value in FRAMES.items()}
            return folder(tmp_path, {"YouTubeFaces/meta/meta_and_splits.mat": META} | deep)
        case "compressed":
            content = mat(do_compression=True)
            return folder(tmp_path, {"meta_and_splits.mat": content} | FRAMES)
    return folder(tmp_path, {"meta_and_splits.mat": META} | FRAMES)


def test_videos_come_in_folds_with_their_frames(root):
    pairs = youtube_faces.load(root)
    assert str(pairs) == (
        "youtube-faces: 6 pairs in 2 folds, 3 of one person, among 5 videos with 5 frames"
    )
    assert pairs.videos == tuple(VIDEOS)
    assert pairs.left.tolist() == [0, 2, 3, 1, 4, 4]
    assert pairs.right.tolist() == [1, 0, 4, 2, 3, 0]
    assert pairs.same.tolist() == [True, False, True, False, True, False]
    assert pairs.fold.tolist() == [0, 0, 0, 1, 1, 1]
    # By number and not by letter; a video that is not listed is left out.
    short = [path.split("frame_images_DB/")[1] for path in pairs.pictures.paths]
    assert short == [
        "Ann/0/0.9.jpg", "Ann/0/0.10.jpg", "Ann/0/0.101.jpg", "Bob_Lee/1/1.1.jpg", "Cy/5/x.jpg",
    ]  # fmt: skip
    assert pairs.video.tolist() == [0, 0, 0, 2, 4]
    assert pairs.pictures.open(3).size == (13, 11)


def test_videos_may_be_counted_from_0(tmp_path):
    splits = SPLITS - np.array([1, 1, 0])[:, np.newaxis]
    pairs = youtube_faces.load(folder(tmp_path, {"meta_and_splits.mat": mat(splits=splits)}))
    assert pairs.left.tolist() == [0, 2, 3, 1, 4, 4]
    assert len(pairs.pictures) == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.int64])
def test_numbers_may_be_stored_in_any_type(tmp_path, dtype):
    contents = {"meta_and_splits.mat": mat(splits=SPLITS.astype(dtype))}
    assert youtube_faces.load(folder(tmp_path, contents)).right.tolist() == [1, 0, 4, 2, 3, 0]


def big_endian():
    """The same file by hand, as a big-endian machine writes it."""

    def element(kind, data):
        return struct.pack(">II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    def matrix(kind, shape, name, values):
        flags = element(6, struct.pack(">II", kind, 0))
        sides = element(5, struct.pack(f">{len(shape)}i", *shape))
        return element(14, flags + sides + element(1, name) + values)

    def text(name):
        if len(name) > 4:
            return matrix(4, (1, len(name)), b"", element(16, name.encode()))
        # Up to four bytes lie in the tag itself, whose upper half is then their number.
        return matrix(4, (1, len(name)), b"", struct.pack(">HH4s", len(name), 16, name.encode()))

    names = matrix(1, (1, 5), b"video_names", b"".join(map(text, [*VIDEOS[:3], "Cy/0", "Cy/5"])))
    numbers = element(9, SPLITS.ravel(order="F").astype(">f8").tobytes())
    # A variable that is compressed stands behind one that is not.
    splits = zlib.compress(matrix(6, (3, 3, 2), b"Splits", numbers))
    head = b"by hand".ljust(124) + struct.pack(">H", 0x0100) + b"MI"
    return head + names + struct.pack(">II", 15, len(splits)) + splits


def test_the_other_byte_order_is_read(tmp_path):
    pairs = youtube_faces.load(folder(tmp_path, {"meta_and_splits.mat": big_endian()}))
    assert pairs.videos == tuple(VIDEOS)
    assert pairs.left.tolist() == [0, 2, 3, 1, 4, 4]
    read = loadmat(io.BytesIO(big_endian()))
    assert [str(name[0]) for name in read["video_names"].ravel()] == VIDEOS


def changed(place, value):
    splits = SPLITS.copy()
    splits[place] = value
    return mat(splits=splits)


def replaced(form, old, new):
    """The file with its first such numbers changed."""
    assert struct.pack(form, *old) in META
    return META.replace(struct.pack(form, *old), struct.pack(form, *new), 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"splits\.mat: expected a MATLAB file of level 5"),
        (META[:127], r"splits\.mat: expected a MATLAB file of level 5"),
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM", r"level 5, as .*'MATLAB 7.3"),
        (META[:-1], r"splits\.mat: expected \d+ bytes, and received \d+"),
        (META[:128], r"splits\.mat: expected a variable video_names, and received none"),
        (replaced("<2i", (5, 1), (4, 1)), r"\(4, 1\) cells in vid"),
        (replaced("<3i", (3, 3, 2), (-3, -3, 2)), r"of a shape, and"),
        (replaced("<2H", (16, 4), (16, 5)), r"up to 4 bytes, .* 5"),
        (META + META[128:], r"splits\.mat: expected video_names once, and received it twice"),
        (mat(splits=SPLITS[:, :2]), r"Splits of shape \(rows, 3, folds\), .* \(3, 2, 2\)"),
        (mat(splits=SPLITS[..., 0]), r"Splits of shape \(rows, 3, folds\), and received \(3, 3\)"),
        (mat(splits=SPLITS[:0]), r"expected Splits of shape \(rows, 3, folds\), and received"),
        (mat(splits=SPLITS * 1j), r"splits\.mat: expected real values of a shape"),
        (mat(splits={"a": SPLITS}), r"splits\.mat: expected Splits as numbers or text"),
        (mat(videos=[*VIDEOS[:4], "Ann/0"]), r"expected each video once, .* 'Ann/0' twice"),
        (mat(videos=[*VIDEOS[:4], "../0"]), r"video_names: expected a path inside the data set"),
        (mat(videos=[*VIDEOS[:4], "Zo\xeb/0"]), r"splits\.mat: expected .*, and received"),
        (mat(videos=[*VIDEOS[:4], 7.5]), r"names in ASCII, and received another value as number 5"),
        (mat(videos=[*VIDEOS[:4], ["ab", "cd"]]), r"names in ASCII, and received another value"),
        (changed((1, 0, 1), 6), r"row 1 of fold 1: expected two of 5 videos .* \[6.0, 4.0, 1.0\]"),
        (changed((1, 0, 1), -1), r"row 1 of fold 1: expected two of 5 videos"),
        (changed((1, 0, 1), 2.5), r"row 1 of fold 1: expected two of 5 videos"),
        (changed((1, 0, 1), np.nan), r"row 1 of fold 1: expected two of 5 videos"),
        (changed((1, 0, 1), 4), r"row 1 of fold 1: expected two of 5 videos"),
        (changed((1, 2, 1), 2), r"row 1 of fold 1: expected two of 5 videos and 0 or 1"),
        (changed((1, 0, 1), 0), r"expected Splits to count 5 videos .* 0 to 5"),
        (mat(videos=["a" * 60 + str(i) for i in range(5)]).replace(b"a" * 60, b"a" * 59 + b"\xc3"),
         r"names in ASCII, and received another value as number 1"),
    ],
    ids=range(27),
)  # fmt: skip
def test_a_file_of_another_form_is_named(tmp_path, content, message):
    with pytest.raises(DatasetError, match=message):
        youtube_faces.load(folder(tmp_path, {"meta_and_splits.mat": content}))


def compressed(size):
    stream = zlib.compressobj()
    packed = b"".join(stream.compress(bytes(2**20)) for _ in range(size // 2**20)) + stream.flush()
    return META[:128] + struct.pack("<II", 15, len(packed)) + packed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (compressed(2**27), "expected whole compressed values of up to 67108864 bytes"),
        (mat(do_compression=True)[:-9], r"expected \d+ bytes, and received"),
        (mat(do_compression=True).replace(b"\x78\x9c", b"\x78\x9d"), "expected whole compressed"),
        # A shape of 2**93 numbers, and numbers of 4 GiB.
        (replaced("<3i", (3, 3, 2), (2**31 - 1,) * 3), "expected .* numbers"),
        (replaced("<2I", (9, 144), (9, 2**32 - 1)), "4294967295"),
    ],
    ids=range(5),
)  # fmt: skip
def test_no_file_takes_more_memory_than_it_may(tmp_path, content, message):
    folder(tmp_path, {"meta_and_splits.mat": content})
    tracemalloc.start()
    with pytest.raises(DatasetError, match=message):
        youtube_faces.load(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 2**26


def test_one_of_several_folders_is_named(tmp_path):
    aligned = {"aligned_images_DB/Ann/2/aligned_detect_2.33.jpg": FRAME}
    root = folder(tmp_path, {"meta_and_splits.mat": META} | FRAMES | aligned)
    with pytest.raises(DatasetError, match="found aligned_images_DB, frame_images_DB; say which"):
        youtube_faces.load(root)
    with pytest.raises(DatasetError, match="expected aligned, and found aligned_images_DB, frame"):
        youtube_faces.load(root, folder="aligned")
    pairs = youtube_faces.load(root, folder="aligned_images_DB/")
    assert pairs.pictures.paths == tuple(aligned)
    assert pairs.video.tolist() == [1]
    assert len(youtube_faces.load(root, folder="frame_images_DB").pictures) == 5


def test_a_wrong_place_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"expected meta_and_splits\.mat there or up to two"):
        youtube_faces.load(tmp_path)


def naive(content):
    read = loadmat(io.BytesIO(content), variable_names=["video_names", "Splits"])
    videos = [str(name[0]).replace("\\", "/") for name in read["video_names"].ravel(order="F")]
    splits = read["Splits"].astype(float)
    first = 0 if splits[:, :2].min() == 0 else 1
    rows = [
        (int(row[0]) - first, int(row[1]) - first, bool(row[2]), fold)
        for fold in range(splits.shape[2])
        for row in splits[:, :, fold]
    ]
    return videos, rows


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("content", [META, mat(do_compression=True)], ids=["plain", "compressed"])
def test_damaged_files_are_read_as_they_are_or_refused(copies, content, tmp_path):
    def read(content):
        (tmp_path / "meta_and_splits.mat").write_bytes(content)
        pairs = youtube_faces.load(tmp_path)
        columns = (pairs.left, pairs.right, pairs.same, pairs.fold)
        return list(pairs.videos), list(zip(*(c.tolist() for c in columns), strict=True))

    tracemalloc.start()
    check_damage(content, read, naive, copies)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The file's own limit is reserved on reading, whatever its size.
    assert peak < 2**26 + 2**24

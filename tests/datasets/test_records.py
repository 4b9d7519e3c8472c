"""Record files are read as MXNet writes them, and every byte that is wrong is named."""

import json
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import LAYOUTS, records
from canthus.datasets.formats import FORMATS, detect
from canthus.datasets.pictures import read_picture
from canthus.errors import DatasetError, ImageError
from canthus.faces import SCHEMES
from canthus.images.files import read_image, write_image

MAGIC = b"\x0a\x23\xd7\xce"
POINTS = np.random.default_rng(0).uniform(5, 40, (68, 2)).astype(np.float32)  # x, y


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A JPEG of 48 x 40 pixels, darker to the left."""
    path = tmp_path_factory.mktemp("picture") / "a.jpg"
    ramp = np.arange(48, dtype=np.uint8) * 5
    write_image(path, np.broadcast_to(ramp[None, :, None], (40, 48, 3)))
    return path.read_bytes()


def content(
    picture: bytes, label: NDArray[np.float32] | None = None, *, count: int | None = None
) -> bytes:
    numbers = POINTS[:, ::-1].ravel() if label is None else label
    head = struct.pack("<IfQQ", len(numbers) if count is None else count, 0.0, 7, 0)
    return head + numbers.astype("<f4").tobytes() + picture


def part(data: bytes, flag: int = 0) -> bytes:
    return MAGIC + struct.pack("<I", flag << 29 | len(data)) + data + bytes(-len(data) % 4)


def split(data: bytes) -> bytes:
    """A record as it is written: cut at every magic that stands at a multiple of 4."""
    places = [i for i in range(0, len(data) - len(data) % 4, 4) if data[i : i + 4] == MAGIC]
    cuts, begin = [], 0
    for place in places:
        cuts.append(data[begin:place])
        begin = place + 4
    cuts.append(data[begin:])
    flags = [0] if len(cuts) == 1 else [1, *[2] * (len(cuts) - 2), 3]
    return b"".join(part(cut, flag) for cut, flag in zip(cuts, flags, strict=True))


def put(folder: Path, parts: Sequence[bytes], index: str | None = None) -> Path:
    path = folder / "faces.rec"
    path.write_bytes(b"".join(parts))
    if index is not None:
        (folder / "faces.idx").write_text(index)
    return path


def test_a_label_is_y_and_x_of_every_point_from_zero(jpeg: bytes, tmp_path: Path) -> None:
    (face,) = records.read(put(tmp_path, [part(content(jpeg))]))
    np.testing.assert_array_equal(face.landmarks.points, POINTS)
    assert face.landmarks.scheme.name == "68"
    assert face.box.as_tuple() == pytest.approx((*POINTS.min(axis=0), *POINTS.max(axis=0)))


@pytest.mark.parametrize("padding", range(4))
def test_records_follow_each_other(padding: int, jpeg: bytes, tmp_path: Path) -> None:
    longer = jpeg[:-2] + bytes(padding) + jpeg[-2:]  # before the end of a JPEG
    one, other = part(content(longer)), part(content(jpeg, POINTS.ravel()))
    faces = records.read(put(tmp_path, [one, other], f"0\t0\n1\t{len(one)}\n"))
    assert [face.name for face in faces] == ["000000.jpg", "000001.jpg"]
    assert [face.entry for face in faces] == [0, len(one)]
    assert len({face.group for face in faces}) == 2
    np.testing.assert_array_equal(faces[1].landmarks.points, POINTS[:, ::-1])
    stored = [records.read_picture_file(face.image, face.entry or 0, "") for face in faces]
    assert stored == [longer, jpeg]


def test_a_picture_is_that_of_its_record(jpeg: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg)
    faces = records.read(put(tmp_path, [part(content(jpeg[:-2] + b"\0" + jpeg[-2:]))] * 2))
    for face in faces:
        np.testing.assert_array_equal(read_picture(face), read_image(tmp_path / "a.jpg"))


def test_a_png_is_a_picture_too(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    write_image(tmp_path / "a.png", pixels)
    (face,) = records.read(put(tmp_path, [part(content((tmp_path / "a.png").read_bytes()))]))
    assert face.name == "000000.png"
    np.testing.assert_array_equal(read_picture(face), pixels)


@pytest.mark.parametrize("repeats", [1, 3])
def test_parts_are_put_together(repeats: int, jpeg: bytes, tmp_path: Path) -> None:
    aligned = jpeg[:2] + b"\xff\xfe" + struct.pack(">H", 6 * repeats + 4) + b"ab"
    picture = aligned + (MAGIC * repeats + bytes(2 * repeats)) + jpeg[2:]  # in a comment
    record = split(content(picture))
    assert record.count(MAGIC) == repeats + 1
    assert struct.unpack("<I", record[4:8])[0] >> 29 == 1
    faces = records.read(put(tmp_path, [record, part(content(jpeg))]))
    assert len(faces) == 2
    assert records.read_picture_file(faces[0].image, faces[0].entry or 0, "") == picture
    assert read_picture(faces[0]).shape == (40, 48, 3)


def test_a_label_that_holds_the_magic_is_put_together(jpeg: bytes, tmp_path: Path) -> None:
    (number,) = struct.unpack("<f", MAGIC)  # -1.8e9
    label = POINTS.ravel().copy()
    label[4] = number
    record = split(content(jpeg, label))
    assert record.count(MAGIC) == 2
    with pytest.raises(DatasetError, match=r"in a picture, found -1804698880\.0 as number 4"):
        records.read(put(tmp_path, [record]))


def test_the_index_may_be_in_any_order(jpeg: bytes, tmp_path: Path) -> None:
    one = part(content(jpeg))
    path = put(tmp_path, [one, one], f"17\t{len(one)}\n3\t0\n")
    assert [face.entry for face in records.read(path)] == [0, len(one)]


LENGTH = "L"  # stands for the length of the first of two records
INDICES = [
    ("0\t0\n1\t8\n", "faces.idx:2: expected a byte where a record begins, found 8"),
    ("0\t0\n0\tL\n", "faces.idx:2: expected keys that differ, found 0 a second time"),
    ("0\tL\n1\tL\n", "faces.idx:2: expected a byte where a record begins, found L a second time"),
    ("0\tL\n", "faces.idx: expected 2 records, found 1; record 0 at byte 0 is missing"),
    ("", "faces.idx: expected 2 records, found 0; record 0 at byte 0 is missing"),
    ("0\t0\n1\tL\n2\t99999999\n", "faces.idx:3: expected a byte where a record begins"),
    ("0\t-1\n", "faces.idx:1: expected a key and a byte, found '0\\t-1'"),
    ("0\t0\t0\n", "faces.idx:1: expected a key and a byte, found '0\\t0\\t0'"),
    ("0\t" + "9" * 5000 + "\n", "faces.idx:1: expected a key and a byte, found '0\\t999"),
    ("a\t0\n", "faces.idx:1: expected a key and a byte, found 'a\\t0'"),
]


@pytest.mark.parametrize(("index", "said"), INDICES)
def test_an_index_has_to_agree(index: str, said: str, jpeg: bytes, tmp_path: Path) -> None:
    one = part(content(jpeg))
    path = put(tmp_path, [one, one], index.replace(LENGTH, str(len(one))))
    with pytest.raises(DatasetError) as error:
        records.read(path)
    assert said.replace(LENGTH, str(len(one))) in str(error.value)


def with_label(**changes: Any) -> bytes:
    return part(content(b"\xff\xd8\xff", **changes))


def bad_label(index: int, value: float) -> bytes:
    label = POINTS.ravel().copy()
    label[index] = value
    return with_label(label=label)


BAD = [
    (MAGIC[:3], "expected a part of a record at byte 0, found 3 bytes until the end"),
    (b"\0" * 8, "expected the magic 0a23d7ce at byte 0, found 00000000"),
    (part(b"", 1), "expected a part of a record at byte 8, found 0 bytes until the end"),
    (part(b"", 2), "expected a part with flag 0 or 1 at byte 0, found 2"),
    (part(b"", 7), "expected a part with flag 0 or 1 at byte 0, found 7"),
    (part(b"", 1) + part(b""), "expected a part with flag 2 or 3 at byte 8, found 0"),
    (MAGIC + struct.pack("<I", (1 << 29) - 1), "expected 536870912 bytes after byte 8, found 0"),
    (with_label()[:-1], "expected 572 bytes after byte 8, found 571 until the end"),
    (part(b"\x88\0\0\0"), "expected 24 bytes of a header, found 4 in the record"),
    (part(b""), "expected 24 bytes of a header, found 0 in the record"),
    (with_label(count=0), "expected 136 numbers, y and x of the 68 points of scheme 68, found 0"),
    (with_label(count=137), "of scheme 68, found 137"),
    (with_label(count=4_000_000_000), "of scheme 68, found 4000000000"),
    (part(content(b"", POINTS[:60].ravel(), count=136)), "found no bytes"),
    (part(content(b"")), "expected a JPEG or a PNG after the label, found no bytes"),
    (part(content(b"BM..")), "expected a JPEG or a PNG after the label, found bytes 424d2e2e"),
    (bad_label(3, np.nan), "expected a place in a picture, found nan as number 3 of the label"),
    (bad_label(135, np.inf), "expected a place in a picture, found inf as number 135"),
    (bad_label(0, 1e6), "expected a place in a picture, found 1000000.0 as number 0"),
    (
        with_label(label=np.zeros(136, np.float32)),
        "that span an area, found all of them from (0, 0) to",
    ),
]


@pytest.mark.parametrize(("record", "said"), BAD, ids=[said for _, said in BAD])
def test_what_is_wrong_is_said_with_its_place(
    record: bytes, said: str, jpeg: bytes, tmp_path: Path
) -> None:
    path = put(tmp_path, [record])
    with pytest.raises(DatasetError) as error:
        records.read(path)
    assert str(error.value).startswith(f"{path}: record 0 at byte 0: ")
    assert said in str(error.value)
    good = part(content(jpeg))
    with pytest.raises(DatasetError, match=f"record 2 at byte {2 * len(good)}: "):
        records.read(put(tmp_path, [good, good, record]))


def test_a_file_cut_off_anywhere_is_refused(jpeg: bytes, tmp_path: Path) -> None:
    one = split(content(jpeg[:2] + b"\xff\xfe\0\x08ab" + MAGIC + jpeg[2:]))
    for length in {*range(0, len(one), 7), *range(16), len(one) - 1}:
        data = (one + one)[: len(one) + length]
        path = put(tmp_path, [data])
        if length == 0:
            assert len(records.read(path)) == 1
            continue
        with pytest.raises(DatasetError, match=f"record 1 at byte {len(one)}: expected"):
            records.read(path)


def outcome(path: Path) -> str:
    try:
        return f"{len(records.read(path))} faces"
    except DatasetError as error:
        return str(error)


def test_no_flipped_bit_is_more_than_an_error_or_another_value(jpeg: bytes, tmp_path: Path) -> None:
    one = part(content(jpeg))
    for bit in range(8 * (8 + 24 + 4 * 136 + 16)):
        data = bytearray(one * 2)
        data[bit // 8] ^= 1 << bit % 8
        said = outcome(put(tmp_path, [bytes(data)]))
        assert said == "2 faces" or "faces.rec: record " in said


def test_files_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"faces\.rec: expected records, found an empty file"):
        records.read(put(tmp_path, []))
    with pytest.raises(DatasetError, match=r"a\.rec: expected a record file, found none"):
        records.read(tmp_path / "a.rec")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.rec")
    with pytest.raises(DatasetError, match=r"a\.rec: expected a record file, found something else"):
        records.read(tmp_path / "a.rec")


def test_a_picture_that_cannot_be_decoded_is_named(jpeg: bytes, tmp_path: Path) -> None:
    good = part(content(jpeg))
    faces = records.read(put(tmp_path, [good, part(content(jpeg[:-40]))]))
    assert read_picture(faces[0]).shape == (40, 48, 3)
    with pytest.raises(ImageError, match=rf"rec: record at byte {len(good)}, 000001\.jpg: expect"):
        read_picture(faces[1])


def test_a_file_that_has_changed_since_is_an_error_of_the_picture(
    jpeg: bytes, tmp_path: Path
) -> None:
    good = part(content(jpeg))
    faces = records.read(put(tmp_path, [good, good]))
    put(tmp_path, [good])
    with pytest.raises(ImageError, match=rf"record at byte {len(good)}, 000001\.jpg: expected"):
        read_picture(faces[1])


def test_a_layout_is_a_file_or_a_folder_of_two(jpeg: bytes, tmp_path: Path) -> None:
    read = LAYOUTS["records"]
    one = part(content(jpeg))
    path = put(tmp_path, [one])
    assert [len(read(path, split)) for split in ("train", "val", "all")] == [1, 0, 1]
    with pytest.raises(DatasetError, match=r"train\.rec: expected a record file, found none"):
        read(tmp_path, "train")
    (tmp_path / "train.rec").write_bytes(one * 2)
    assert [len(read(tmp_path, split)) for split in ("train", "val", "all")] == [2, 0, 2]
    (tmp_path / "val.rec").write_bytes(one)
    assert [len(read(tmp_path, split)) for split in ("train", "val", "all")] == [2, 1, 3]


def test_a_format_has_as_many_points_as_its_scheme(jpeg: bytes, tmp_path: Path) -> None:
    label = POINTS[:5].ravel()
    path = put(tmp_path, [part(content(jpeg, label))])
    assert detect(path) == "records"
    (face,) = FORMATS["records"].read(path, SCHEMES["5"])
    np.testing.assert_array_equal(face.landmarks.points, POINTS[:5, ::-1])
    with pytest.raises(DatasetError, match="expected 136 numbers, y and x of the 68 points"):
        FORMATS["records"].read(path, SCHEMES["68"])


def test_record_files_are_not_written(jpeg: bytes, tmp_path: Path) -> None:
    faces = records.read(put(tmp_path, [part(content(jpeg))]))
    with pytest.raises(DatasetError, match=r"b\.rec: record files are read, not written"):
        FORMATS["records"].write(faces, tmp_path / "b.rec")
    assert not (tmp_path / "b.rec").exists()


@pytest.mark.parametrize("name", ["pts", "ljson", "labelme"])
def test_pictures_are_unpacked_as_they_are_stored(name: str, jpeg: bytes, tmp_path: Path) -> None:
    faces = records.read(put(tmp_path, [part(content(jpeg))] * 2))
    FORMATS[name].write(faces, tmp_path / "out")
    found = FORMATS[name].read(tmp_path / "out", SCHEMES["68"])
    assert [face.image for face in found] == [tmp_path / "out" / face.name for face in faces]
    for face in found:
        assert face.image.read_bytes() == jpeg
        np.testing.assert_allclose(face.landmarks.points, POINTS, atol=1e-5)


@pytest.mark.parametrize("name", ["coco", "csv", "cvat", "dlib"])
def test_files_that_name_pictures_need_them_unpacked(
    name: str, jpeg: bytes, tmp_path: Path
) -> None:
    faces = records.read(put(tmp_path, [part(content(jpeg))]))
    with pytest.raises(DatasetError, match=r"faces\.rec: .* a file of several; convert it to a fo"):
        FORMATS[name].write(faces, tmp_path / f"out{FORMATS[name].suffix}")


def test_nothing_is_unpacked_if_a_picture_is_damaged(jpeg: bytes, tmp_path: Path) -> None:
    path = put(tmp_path, [part(content(jpeg)), part(content(jpeg[:-40]))])
    with pytest.raises(ImageError, match=r"000001\.jpg"):
        FORMATS["pts"].write(records.read(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_example_of_the_published_format(shared: Path) -> None:
    folder = shared / "parity" / "heatmap"
    wanted = json.loads((folder / "fixtures.json").read_text())["tiny_rec"]
    faces = records.read(folder / "tiny.rec")
    assert [face.entry for face in faces] == [said["offset"] for said in wanted]
    for face, said in zip(faces, wanted, strict=True):
        assert face.landmarks.points[:2, ::-1].tolist() == said["first_yx"]
        image = read_picture(face)
        assert list(image.shape) == said["image_shape"]
        np.testing.assert_allclose(image.mean(axis=(0, 1)), said["rgb_mean"], atol=0.01)

"""MXNet's tensors are read as they were written, and nothing else is taken for them."""

import json
import os
import pickle
import random
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from canthus.errors import WeightsError
from canthus.importing import mxnet
from canthus.importing.mxnet import read_params

TYPES = {"float32": 0, "float64": 1, "float16": 2}
SIX = np.array([-1, -0.5, 0, 0.5, 1, 1.5], np.float32).reshape(2, 3)
TWO = np.array([0.75, 3], np.float32)


def tensor(
    values: np.ndarray,
    *,
    magic: int = 0xF993FAC9,
    storage: int = 0,
    kind: int | None = None,
    shape: tuple[int, ...] | None = None,
) -> bytes:
    sides = values.shape if shape is None else shape
    kind = TYPES[values.dtype.name] if kind is None else kind
    head = struct.pack("<IiI", magic, storage, len(sides)) + struct.pack(f"<{len(sides)}q", *sides)
    return head + struct.pack("<iii", 1, 0, kind) + values.tobytes()


def name(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def listed(parts: list[bytes]) -> bytes:
    return struct.pack("<Q", len(parts)) + b"".join(parts)


def whole(tensors: list[bytes], names: list[bytes]) -> bytes:
    return struct.pack("<QQ", 0x112, 0) + listed(tensors) + listed([name(text) for text in names])


GOOD = whole([tensor(SIX), tensor(TWO)], [b"arg:a_weight", b"aux:b_moving_var"])


def put(folder: Path, data: bytes) -> Path:
    path = folder / "a.params"
    path.write_bytes(data)
    return path


def test_tensors_come_by_name_in_the_files_order(tmp_path: Path) -> None:
    found = read_params(put(tmp_path, GOOD))
    assert list(found) == ["arg:a_weight", "aux:b_moving_var"]
    np.testing.assert_array_equal(found["arg:a_weight"], SIX)
    np.testing.assert_array_equal(found["aux:b_moving_var"], TWO)
    assert found["arg:a_weight"].flags.writeable


@pytest.mark.parametrize("kind", TYPES)
def test_element_types_are_kept(kind: str, tmp_path: Path) -> None:
    found = read_params(put(tmp_path, whole([tensor(SIX.astype(kind))], [b"arg:a"])))["arg:a"]
    assert found.dtype == np.dtype(kind)
    np.testing.assert_array_equal(found, SIX)


def test_the_example_of_the_published_format(shared: Path) -> None:
    folder = shared / "parity" / "heatmap"
    wanted = json.loads((folder / "fixtures.json").read_text())["tiny_params"]
    found = read_params(folder / "tiny.params")
    assert list(found) == list(wanted)
    for key, said in wanted.items():
        assert list(found[key].shape) == said["shape"]
        assert found[key].ravel().tolist() == said["values"]


def one(data: bytes) -> bytes:
    return whole([data], [b"arg:a"])


BAD = [
    (b"", "byte 0: expected 8 bytes of a file of tensors, found 0 until the end"),
    (pickle.dumps({"arg:a": [1.0]}), "byte 0: expected 0x112, a file of tensors, found 0x"),
    (b"PK\3\4" + bytes(60), "byte 0: expected 0x112, a file of tensors, found 0x4034b50"),
    (struct.pack("<QQQ", 0x112, 1, 0), "byte 8: expected 0x0, zeros after the file's magic"),
    (struct.pack("<QQQ", 0x112, 0, 0), "byte 16: expected tensors, at most the 0 that fit"),
    (struct.pack("<QQQ", 0x112, 0, 1 << 63), "found 9223372036854775808"),
    (one(tensor(SIX, magic=1)), "byte 24: expected 0xf993fac9, the magic of tensor 0, found 0x1"),
    (one(tensor(SIX, magic=0xF993FAC8)), "found 0xf993fac8, as MXNet before 1.0 wrote them"),
    (one(tensor(SIX, magic=0xF993FACA)), "found 0xf993faca, of MXNet's numpy interface"),
    (one(tensor(SIX, storage=1)), "byte 28: expected tensor 0 to be dense, found row_sparse"),
    (one(tensor(SIX, storage=2)), "byte 28: expected tensor 0 to be dense, found csr"),
    (one(tensor(SIX, storage=-1)), "to be dense, found unknown storage -1"),
    (one(tensor(SIX, shape=())), "byte 32: expected 1 to 8 dimensions of tensor 0, found 0"),
    (one(tensor(SIX, shape=(1,) * 9)), "expected 1 to 8 dimensions of tensor 0, found 9"),
    (one(tensor(SIX, shape=(2, 0))), "byte 36: expected dimensions of tensor 0 from 1 on, found"),
    (one(tensor(SIX, shape=(2, -3))), "dimensions of tensor 0 from 1 on, found (2, -3)"),
    (
        one(tensor(SIX, kind=4)),
        "byte 60: expected tensor 0 to be of float16, float32, float64, fou",
    ),
    (one(tensor(SIX, kind=4)), "float64, found int32"),
    (one(tensor(SIX, kind=12)), "float64, found bfloat16"),
    (one(tensor(SIX, kind=99)), "float64, found unknown type 99"),
    (one(tensor(SIX, shape=(50_000, 50_000))), "byte 64: expected 10000000000 bytes of values"),
    (one(tensor(SIX, shape=(2**62,) * 8)), "bytes of values of tensor 0"),
    (whole([tensor(SIX)], []), "byte 88: expected 1 names, one for each tensor, found 0"),
    (whole([tensor(SIX)], [b"arg:a", b"arg:b"]), "byte 88: expected 1 names, one for each tensor"),
    (whole([tensor(SIX)], [b"a_weight"]), "expected the name of tensor 0 to be arg:NAME or aux:NA"),
    (whole([tensor(SIX)], [b"arg:\xff\n"]), "expected the name of tensor 0 to be arg:NAME or aux:"),
    (whole([tensor(SIX)], [b"arg:", b""]), "expected 1 names"),
    (whole([tensor(SIX)], [b"arg:" + b"a" * 1021]), "to have 5 to 1024 bytes, found 1025"),
    (
        whole([tensor(SIX), tensor(TWO)], [b"arg:a", b"arg:a"]),
        "expected the name of tensor 1 to be its own, found arg:a, as of tensor 0",
    ),
    (GOOD + b"\0", f"byte {len(GOOD)}: expected the end of the file after the last name, found 1"),
    (
        one(tensor(np.array([[1, np.nan]], np.float32))),
        "arg:a: expected finite values, found nan at [0, 1]",
    ),
    (
        one(tensor(np.array([np.inf], np.float16))),
        "arg:a: expected finite values, found inf at [0]",
    ),
]


@pytest.mark.parametrize(("data", "said"), BAD, ids=[said for _, said in BAD])
def test_what_is_wrong_is_said_with_its_place(data: bytes, said: str, tmp_path: Path) -> None:
    path = put(tmp_path, data)
    with pytest.raises(WeightsError) as error:
        read_params(path)
    assert said in str(error.value)
    assert str(error.value).startswith(f"{path}: ")


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    for length in range(len(GOOD)):
        with pytest.raises(WeightsError, match=r"a\.params: byte \d+: expected"):
            read_params(put(tmp_path, GOOD[:length]))


def test_no_flipped_bit_is_more_than_an_error_or_another_value(tmp_path: Path) -> None:
    for bit in range(8 * len(GOOD)):
        data = bytearray(GOOD)
        data[bit // 8] ^= 1 << bit % 8
        try:
            found = read_params(put(tmp_path, bytes(data)))
        except WeightsError:
            continue
        assert [values.size for values in found.values()] == [6, 2]


def test_random_bytes_end_in_an_error(tmp_path: Path) -> None:
    rng = random.Random(0)
    for _ in range(300):
        data = bytearray(GOOD)
        for place in range(24, len(data)):
            if rng.random() < 0.05:
                data[place] = rng.randrange(256)
        with pytest.raises(WeightsError):
            read_params(put(tmp_path, bytes(data) + b"\0"))


@pytest.mark.parametrize(
    "data",
    [
        one(tensor(SIX, shape=(50_000, 50_000))),
        whole([tensor(SIX)], [b"arg:a"]).replace(struct.pack("<Q", 5), struct.pack("<Q", 10**10)),
        struct.pack("<QQQ", 0x112, 0, 10**10),
    ],
)
def test_a_claim_of_ten_gigabytes_takes_no_memory(data: bytes, tmp_path: Path) -> None:
    path = put(tmp_path, data)
    tracemalloc.start()
    with pytest.raises(WeightsError):
        read_params(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20


def test_files_larger_than_any_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mxnet, "LARGEST", 9)
    with pytest.raises(
        WeightsError, match=f"expected a file of at most 9 bytes, found {len(GOOD)}"
    ):
        read_params(put(tmp_path, GOOD))


def test_a_folder_and_nothing_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"expected a \.params file of MXNet, found a folder"):
        read_params(tmp_path)
    with pytest.raises(WeightsError, match=r"expected a \.params file of MXNet, found none"):
        read_params(tmp_path / "none.params")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.params")
    with pytest.raises(WeightsError, match="found something else"):
        read_params(tmp_path / "a.params")

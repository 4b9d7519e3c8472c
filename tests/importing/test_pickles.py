"""Pickles of arrays are read; nothing else in them is run."""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.errors import WeightsError
from canthus.importing.pickles import read_pickle

CONTENT: dict[str, Any] = {
    "u": np.arange(6, dtype=np.float32).reshape(6, 1),
    "w_shp": np.asfortranarray(np.arange(12.0).reshape(6, 2)),
    "tri": np.array([[1, 2, 3]], np.int32).T[:, ::-1],
    "big": np.array([1, 256], ">u2"),
    "flags": np.array([True, False]),
    "none": np.zeros((0, 3)),
    "one": np.array(7.5),
    "scale": np.float32(0.5),
    "count": 40,
    "names": ["a", ("b", None)],
    "title": "some text",
}


def saved(folder: Path, content: Any, protocol: int = 4) -> Path:
    path = folder / "a.pkl"
    path.write_bytes(pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_numbers_and_texts_are_read(protocol: int, tmp_path: Path) -> None:
    read = read_pickle(saved(tmp_path, CONTENT, protocol))

    assert isinstance(read, dict)
    assert list(read) == list(CONTENT)
    for name in ("u", "w_shp", "tri", "big", "flags", "none", "one"):
        np.testing.assert_array_equal(read[name], CONTENT[name])
        assert read[name].dtype == CONTENT[name].dtype.newbyteorder("=")
    assert (read["scale"], read["count"], read["title"]) == (0.5, 40, "some text")
    assert read["names"] == ["a", ["b", None]]


def test_numpys_old_name_is_known(tmp_path: Path) -> None:
    path = saved(tmp_path, CONTENT["u"], 2)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"numpy._core.", b"numpy.core."))

    np.testing.assert_array_equal(read_pickle(path), CONTENT["u"])


def test_arrays_that_python_2_has_written_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
        b"(I1\n(I2\ntcnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
        b"I00\nS'\\x00\\x00\\x80?\\x00\\x00\\x00\\xc0'\ntb."
    )

    np.testing.assert_array_equal(read_pickle(path), np.array([1, -2], np.float32))


class Harmful:
    def __init__(self, *action: object) -> None:
        self.action = action

    def __reduce__(self) -> tuple[Any, ...]:
        return self.action[0], self.action[1:]


class Subclass(np.ndarray):
    pass


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("content", "named"),
    [
        (Harmful(Path.touch, Path("was-run")), "pathlib|builtins|getattr"),
        (Harmful(eval, "open('was-run', 'w')"), "eval"),
        (Harmful(np.load, "was-run"), r"numpy\.load"),
        (Harmful(np.save, "was-run.npy", np.zeros(1)), r"numpy\.save"),
        ({"u": OrderedDict(a=1)}, "OrderedDict"),
        (np.array([{"a": 1}], object), "an array of type 'O8'"),
        (np.array(["a"]), "an array of type 'U1'"),
        (np.zeros(1, [("a", "f4")]), "an array of type"),
        (np.zeros(2).view(Subclass), "Subclass"),
        (1j, "complex"),
        ({"a": {1, 2}}, "set"),
        (np.dtype("f4"), "a kind"),
    ],
)
def test_whatever_else_it_asks_for_is_named_and_not_run(
    content: Any, named: str, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(WeightsError, match=rf"a\.pkl: .* asks for .*({named})"):
        read_pickle(saved(tmp_path, content, protocol))
    assert [path.name for path in tmp_path.iterdir()] == ["a.pkl"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no pickle",
        b"\x80\x09.",
        b"cnumpy\ndtype\n.",  # the stand-in itself
        b"cnumpy\nndarray\n(tR.",
        b"cnumpy.core.multiarray\n_reconstruct\n}S'__doc__'\nI1\nsb.",  # a change to a stand-in
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR.",  # never filled
        b"cnumpy\ndtype\n(NI5\ntb.",
        b"cnumpy\ndtype\n(N(dS'_act'\ncnumpy\nndarray\nstb(S'f4'\ntR.",
        b"Pmodule\n.",
        b"c_codecs\nencode\n(S'a'\nS'utf-7'\ntR.",
        b"ccanthus.importing.pickles\n_Reader\n.",
    ],
)
def test_a_file_that_is_damaged_or_made_to_harm_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(data)

    with pytest.raises(WeightsError, match=r"a\.pkl"):
        read_pickle(path)


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, CONTENT)
    data = path.read_bytes()
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(WeightsError, match=r"a\.pkl"):
            read_pickle(path)


def test_an_array_that_says_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, np.arange(4, dtype=np.float32), 4)
    data = path.read_bytes()
    assert data.count(b"K\x04\x85") == 1  # its shape
    path.write_bytes(data.replace(b"K\x04\x85", b"K\x05\x85"))

    with pytest.raises(WeightsError, match=r"16 bytes for an array of \(5,\) of float32"):
        read_pickle(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.pkl: expected a pickle, found no"):
        read_pickle(tmp_path / "none.pkl")

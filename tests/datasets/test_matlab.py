"""MATLAB files that are whole, and those that are not."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from canthus.datasets import matlab
from canthus.errors import DatasetError

POINTS = np.arange(6.0).reshape(3, 2)


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file with a table, a text and a cell."""
    path = tmp_path / "a b.mat"
    cell = np.array(["0/a.jpg", "1/b.jpg"], dtype=object)[:, None]
    values = {"points": POINTS, "title": "some text", "names": cell}
    savemat(path, values, do_compression=request.param)
    return path


def test_what_was_saved_is_read(file: Path) -> None:
    variables = matlab.load(file, ["points", "names"])
    np.testing.assert_array_equal(matlab.numbers(variables, "points", (-1, 2), file), POINTS)


def test_without_names_all_variables_are_read(file: Path) -> None:
    assert sorted(matlab.load(file)) == ["names", "points", "title"]


def test_a_variable_that_is_missing_is_named(file: Path) -> None:
    with pytest.raises(DatasetError, match=r"a b\.mat: expected a variable 'box', found none"):
        matlab.load(file, ["points", "box"])


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none\.mat: expected a MATLAB file, found none"):
        matlab.load(tmp_path / "none.mat")


@pytest.mark.parametrize(
    ("name", "shape", "complaint"),
    [
        ("points", (2, 3), r"points: expected shape 2 x 3, found \(3, 2\)"),
        ("points", (-1, 3), r"points: expected shape N x 3, found \(3, 2\)"),
        ("points", (3, 2, 1), "points: expected shape 3 x 2 x 1"),
        ("title", (1, 1), "title: expected numbers"),
        ("names", (2, 1), "names: expected numbers"),
    ],
)
def test_a_variable_of_another_kind_is_refused(
    file: Path, name: str, shape: tuple[int, ...], complaint: str
) -> None:
    with pytest.raises(DatasetError, match=complaint):
        matlab.numbers(matlab.load(file, [name]), name, shape, file)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, 1e6])
def test_what_is_no_place_in_a_picture_is_refused(tmp_path: Path, value: float) -> None:
    path, points = tmp_path / "a.mat", POINTS.copy()
    points[1, 0] = value
    savemat(path, {"points": points})
    with pytest.raises(DatasetError, match=r"points\[1, 0\]: expected a finite number"):
        matlab.numbers(matlab.load(path), "points", (3, 2), path)


def test_numbers_that_are_complex_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"points": POINTS + 1j})
    with pytest.raises(DatasetError, match="points: expected numbers, found complex128"):
        matlab.numbers(matlab.load(path), "points", (3, 2), path)


@pytest.mark.parametrize("offset", [0, 512], ids=["bare", "with MATLAB's head"])
def test_version_7_3_is_told_from_the_others(tmp_path: Path, offset: int) -> None:
    (tmp_path / "a.mat").write_bytes(bytes(offset) + b"\x89HDF\r\n\x1a\n" + bytes(600))
    with pytest.raises(DatasetError, match=r"expected a MATLAB file up to version 7\.2"):
        matlab.load(tmp_path / "a.mat")


@pytest.mark.parametrize("seed", range(10))
def test_random_bytes_are_refused(tmp_path: Path, seed: int) -> None:
    data = np.random.default_rng(seed).bytes(64 << seed)
    (tmp_path / "a.mat").write_bytes(data)
    with pytest.raises(DatasetError, match=r"a\.mat: expected a MATLAB file of version 5 to 7"):
        matlab.load(tmp_path / "a.mat")


def test_a_file_cut_off_anywhere_is_an_error_or_lacks_the_variable(file: Path) -> None:
    data = file.read_bytes()
    for length in range(0, len(data), 13):
        file.write_bytes(data[:length])
        with pytest.raises(DatasetError, match=r"a b\.mat"):
            matlab.load(file, ["points", "title", "names"])


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bits_give_a_result_or_an_error(file: Path, seed: int) -> None:
    data, random = bytearray(file.read_bytes()), np.random.default_rng(seed)
    for place in random.integers(0, len(data), 6):
        data[place] ^= 1 << random.integers(0, 8)
    file.write_bytes(data)
    try:
        points = matlab.numbers(matlab.load(file, ["points"]), "points", (3, 2), file)
    except DatasetError:
        return
    assert np.isfinite(points).all()

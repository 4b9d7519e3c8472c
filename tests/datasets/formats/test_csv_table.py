"""Tables with a face a line: their cells, and what it takes to read them."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from canthus.datasets.formats import csv_table
from canthus.errors import DatasetError
from canthus.faces import SCHEMES

FACES = 4000
Table = Callable[..., Path]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Writes a table of faces of 98 points, with x0 as given."""

    def write(x0: str = "0.5", faces: int = 1) -> Path:
        columns = ",".join(f"x{i},y{i}" for i in range(98))
        cells = ",".join(f"{100 + i / 8:.4f}" for i in range(1, 196))
        lines = [f"{face}.jpg,{x0},{cells}" for face in range(faces)]
        path = tmp_path / "faces.csv"
        path.write_text("\n".join([f"image,{columns}", *lines]), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("cell", ["1_0", "\N{ARABIC-INDIC DIGIT ONE}", "1e7", "inf", "nan", "a"])
def test_a_cell_that_is_no_place_is_named(table: Table, cell: str) -> None:
    with pytest.raises(DatasetError, match=r"faces\.csv:2: x0: expected a"):
        csv_table.read(table(cell), SCHEMES["98"])


@pytest.mark.parametrize("cell", [" 0.5", "0.5 ", "+.5", "5e-1"])
def test_a_number_may_be_written_in_many_ways(table: Table, cell: str) -> None:
    (face,) = csv_table.read(table(cell), SCHEMES["98"])
    assert face.landmarks.points[0].tolist() == [0.5, 100.125]


def test_blank_cells_are_an_unknown_point_among_known_ones(table: Table) -> None:
    path = table()
    path.write_text(path.read_text().replace(",0.5,100.1250,", ", ,,"))
    (face,) = csv_table.read(path, SCHEMES["98"])
    assert np.flatnonzero(~face.landmarks.known).tolist() == [0]
    assert face.landmarks.points[1].tolist() == [100.25, 100.375]


def test_plain_numbers_are_not_looked_at_one_by_one(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That took three quarters of the time of a large table."""
    monkeypatch.delattr(csv_table, "number")
    assert len(csv_table.read(table(), SCHEMES["98"])) == 1


def test_no_more_than_a_line_of_a_table_is_held_as_text(table: Table) -> None:
    path = table(faces=FACES)
    tracemalloc.start()
    faces = csv_table.read(path, SCHEMES["98"])
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(faces) == FACES
    assert most - kept < 1.2 * path.stat().st_size

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.detection import Mtcnn
from canthus.errors import CanthusError
from canthus.evaluation import speed
from canthus.images.files import read_image


class Counter:
    """Counts its calls and remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[NDArray[np.uint8]] = []

    def run(self, crops: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        self.given.append(crops)
        return {}


@pytest.fixture
def align(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a piece of Python in the place of the command that is timed."""
    return lambda code: monkeypatch.setattr(speed, "ALIGN", code)


def test_the_summary_of_times_is_their_median_and_best() -> None:
    assert speed.summed_up([9.0, 1.0, 2.0]) == speed.Timing(median_ms=2.0, best_ms=1.0, runs=3)


def test_the_first_calls_are_not_counted() -> None:
    backend = Counter()
    timing = speed.time_network(backend, 16, runs=5)
    assert timing.runs == 5
    assert len(backend.given) == 5 + speed.WARM_UP


def test_a_network_sees_a_batch_of_crops() -> None:
    backend = Counter()
    speed.time_network(backend, 16, batch=4, runs=1)
    assert backend.given[0].shape == (4, 16, 16, 3)
    assert backend.given[0].dtype == np.uint8


def test_a_whole_process_is_timed(align: Callable[[str], None]) -> None:
    align("import time; time.sleep(0.2)")
    start = speed.time_start(Path("photo.jpg"), runs=1)
    assert start.wall.best_ms > 200
    assert start.wall.runs == 1


def test_peak_memory_is_that_of_the_process_alone(align: Callable[[str], None]) -> None:
    mine = np.ones(400_000_000, np.uint8)
    align("taken = b'x' * 100_000_000")
    assert 100 < speed.time_start(Path("photo.jpg"), runs=1).peak_mb < 200
    assert mine[0] == 1


def test_a_command_that_fails_is_no_time(align: Callable[[str], None]) -> None:
    align("import sys; sys.exit('no such model')")
    with pytest.raises(CanthusError, match=r"photo.jpg --out .*ended with 1: no such model"):
        speed.time_start(Path("photo.jpg"), runs=1)


def test_the_command_is_given_the_model(align: Callable[[str], None]) -> None:
    align("import sys; sys.exit(sys.argv[-2:] != ['--model', 'fast'])")
    assert speed.time_start(Path("photo.jpg"), model="fast", runs=1).wall.runs == 1


def test_byte_code_is_written_while_a_start_is_timed(
    align: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    align("import sys; sys.exit(sys.dont_write_bytecode)")
    speed.time_start(Path("photo.jpg"), runs=1)


def test_importing_brings_no_torch() -> None:
    found = speed.time_import(runs=1)
    assert not found.torch
    assert 0 < found.wall.median_ms < 60_000


def test_the_drawn_photo_is_the_same_each_time(tmp_path: Path) -> None:
    first = speed.drawn_photo(tmp_path).read_bytes()
    assert speed.drawn_photo(tmp_path).read_bytes() == first


def test_the_detector_finds_one_face_in_the_drawn_photo(tmp_path: Path) -> None:
    (found,) = Mtcnn()(read_image(speed.drawn_photo(tmp_path)))
    assert found.score > 0.95


def test_cores_that_this_process_may_not_use_are_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells which cores a process may use")
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {1, 3, 5})
    assert speed.num_cores() == 3
    assert speed.machine()["cores"] == "3"


def test_the_machine_is_named() -> None:
    assert speed.machine()["python"] == ".".join(map(str, sys.version_info[:3]))

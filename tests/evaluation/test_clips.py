"""How landmarks tremble in a clip."""

from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.errors import DatasetError
from canthus.evaluation.clips import measure_clip, read_truth
from canthus.faces import SCHEMES, Face, Landmarks
from canthus.geometry import Box
from canthus.images.files import write_image

Frames = list[NDArray[np.uint8]]
COUNT = 10
RING = 60 + 20 * np.stack([np.cos(np.arange(68)), np.sin(np.arange(68))], axis=1)


class Watcher:
    """Finds a face whose points move by `step` pixels a frame, and a small stranger beside it."""

    def __init__(self, step: float = 0.0, lost: tuple[int, ...] = ()) -> None:
        self.step, self.lost = step, lost

    def many(
        self,
        images: Iterable[NDArray[np.uint8]],
        boxes: Iterable[Sequence[Box] | None] | None = None,
    ) -> list[list[Face]]:
        return [self._faces(int(image[0, 0, 0])) for image in images]

    def _faces(self, frame: int) -> list[Face]:
        points = RING + np.array([self.step * frame, 0])
        stranger = self._face(200 + (RING - 60) / 4)
        return [stranger] if frame in self.lost else [stranger, self._face(points)]

    def _face(self, points: NDArray[np.float64]) -> Face:
        return Face(Box.around(points), 1.0, Landmarks(points, SCHEMES["68"]))


@pytest.fixture
def frames() -> Frames:
    """Frames that say which they are."""
    return [np.full((32, 32, 3), i, np.uint8) for i in range(COUNT)]


def test_a_face_that_holds_still_does_not_move(frames: Frames) -> None:
    found = measure_clip(Watcher(), frames)
    assert (found.frames, found.missed, found.motion, found.shake) == (COUNT, 0, 0, 0)


def test_steady_motion_is_no_shaking(frames: Frames) -> None:
    found = measure_clip(Watcher(step=2), frames)
    assert found.motion == pytest.approx(2 / Box.around(RING).size, rel=1e-4)
    assert found.shake == pytest.approx(0, abs=1e-5)


def test_the_largest_face_is_followed(frames: Frames) -> None:
    assert measure_clip(Watcher(lost=(4,)), frames).missed == 1


def test_a_truth_gives_error_and_jitter(frames: Frames) -> None:
    truth = np.repeat(RING[None], COUNT, axis=0) + np.array([3.0, 4.0])
    found = measure_clip(Watcher(), frames, truth=truth, scheme=SCHEMES["68"])
    eyes = float(np.linalg.norm(RING[36] - RING[45]))
    assert found.nme == pytest.approx(5 / eyes, rel=1e-4)
    assert found.nmj == pytest.approx(0, abs=1e-5)


def test_a_truth_of_other_frames_is_refused(frames: Frames) -> None:
    with pytest.raises(DatasetError, match="a truth of 10 frames and 68 landmarks"):
        measure_clip(Watcher(), frames, truth=np.zeros((3, 68, 2)), scheme=SCHEMES["68"])


def test_trembling_is_shaking(frames: Frames) -> None:
    """Right and left in turn: steps of 1, changes of 2; over the square root of 3."""

    class Trembling(Watcher):
        def _faces(self, frame: int) -> list[Face]:
            return [self._face(RING + np.array([frame % 2, 0]))]

    found = measure_clip(Trembling(), frames)
    size = Box.around(RING).size
    assert found.motion == pytest.approx(1 / size, rel=1e-4)
    assert found.shake == pytest.approx(2 / np.sqrt(3) / size, rel=1e-4)


def test_trembling_that_the_truth_does_not_share_is_jitter(frames: Frames) -> None:
    truth = np.repeat(RING[None], COUNT, axis=0)
    found = measure_clip(Watcher(step=2), frames, truth=truth, scheme=SCHEMES["68"])
    assert found.nmj == pytest.approx(2 / Box.around(RING).size, rel=1e-4)


def test_a_missed_frame_is_in_no_figure(frames: Frames) -> None:
    truth = np.repeat(RING[None], COUNT, axis=0)
    found = measure_clip(Watcher(lost=(4,)), frames, truth=truth, scheme=SCHEMES["68"])
    assert found.missed == 1
    assert (found.motion, found.nme, found.nmj) == pytest.approx((0, 0, 0), abs=1e-6)


class Boxed:
    """Landmarks hang on the box."""

    def many(
        self,
        images: Iterable[NDArray[np.uint8]],
        boxes: Iterable[Sequence[Box] | None] | None = None,
    ) -> list[list[Face]]:
        assert boxes is not None
        return [[self._face(box) for box in some or ()] for some in boxes]

    def _face(self, box: Box) -> Face:
        points = np.array(box.center) + (RING - 60) * box.side / 40
        return Face(box, 1.0, Landmarks(points, SCHEMES["68"]))


def boxes(count: int) -> list[Box]:
    """Of 40 pixels, each 100 pixels right of the one before: no two overlap."""
    return [Box(100.0 * i, 0, 100.0 * i + 40, 40) for i in range(count)]


def test_boxes_may_be_given(frames: Frames) -> None:
    found = measure_clip(Boxed(), frames, boxes=boxes(COUNT))
    assert found.missed == 0
    assert found.motion == pytest.approx(100 / 40, rel=1e-4)


def test_batches_of_frames_go_with_their_boxes() -> None:
    many = [np.zeros((32, 32, 3), np.uint8)] * 40
    found = measure_clip(Boxed(), many, boxes=boxes(40))
    assert (found.frames, found.missed) == (40, 0)
    assert found.shake == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(("count", "told"), [(COUNT - 1, "fewer"), (COUNT + 1, "more")])
def test_there_is_a_box_for_each_frame(frames: Frames, count: int, told: str) -> None:
    with pytest.raises(ValueError, match=f"a box for each frame, found {told}"):
        measure_clip(Boxed(), frames, boxes=boxes(count))


def test_a_truth_says_its_scheme(frames: Frames) -> None:
    with pytest.raises(ValueError, match="expected the scheme of the truth"):
        measure_clip(Watcher(), frames, truth=np.zeros((COUNT, 68, 2)))


def test_landmarks_that_the_model_does_not_know_take_no_part(frames: Frames) -> None:
    """The 68 points say nothing of two of the 29; the others are right."""
    known = Landmarks(RING, SCHEMES["68"]).map("29").points.astype(np.float64)
    lacking = np.asarray(np.isnan(known).any(axis=1))
    assert lacking.sum() == 2
    truth = np.repeat(np.where(lacking[:, None], 5.0, known)[None], COUNT, axis=0)
    found = measure_clip(Watcher(), frames, truth=truth, scheme=SCHEMES["29"])
    assert (found.nme, found.nmj) == pytest.approx((0, 0), abs=1e-5)


def test_a_clip_in_which_nobody_is_found_has_no_figures(frames: Frames) -> None:
    class Blind(Watcher):
        def _faces(self, frame: int) -> list[Face]:
            return []

    found = measure_clip(Blind(), frames)
    assert found.missed == COUNT
    assert np.isnan(found.motion)


def test_a_truth_is_read_from_an_array(tmp_path: Path) -> None:
    np.save(tmp_path / "clip.npy", np.ones((5, 98, 2), np.float32))
    assert read_truth(tmp_path / "clip.npy").shape == (5, 98, 2)


def test_a_truth_is_read_from_beside_the_frames(tmp_path: Path) -> None:
    for i in (1, 2, 10):
        write_image(tmp_path / f"{i}.png", np.full((32, 32, 3), i, np.uint8))
        rows = f"{i} 1\n" * 2
        (tmp_path / f"{i}.pts").write_text(f"version: 1\nn_points: 2\n{{\n{rows}}}\n")
    assert read_truth(tmp_path)[:, 0, 0].tolist() == [0, 1, 9]


@pytest.mark.parametrize(
    "array",
    [
        np.ones((5, 98)),
        np.full((5, 98, 2), np.nan),
        np.full((5, 98, 2), 1e308),
        np.full((5, 98, 2), "1"),
    ],
)
def test_what_is_no_truth_is_refused(tmp_path: Path, array: NDArray[np.float64]) -> None:
    np.save(tmp_path / "clip.npy", array)
    with pytest.raises(DatasetError, match=r"clip\.npy: expected"):
        read_truth(tmp_path / "clip.npy")


def claiming(shape: tuple[int, ...]) -> bytes:
    """An `.npy` file that promises an array and holds none."""
    file = BytesIO()
    about = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, about)
    return file.getvalue()


@pytest.mark.parametrize("data", [b"", b"PK\3\4no archive", b"text", claiming((10**12, 98, 2))])
def test_a_damaged_array_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "clip.npy").write_bytes(data)
    with pytest.raises(DatasetError, match=r"clip\.npy: cannot be read as an .npy array"):
        read_truth(tmp_path / "clip.npy")


def test_an_archive_of_arrays_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "clip.npz", points=np.ones((5, 98, 2)))
    with pytest.raises(DatasetError, match=r"clip\.npz: cannot be read as an \.npy array"):
        read_truth(tmp_path / "clip.npz")

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.detection import Yunet
from canthus.errors import WeightsError

PICTURE = np.zeros((120, 160, 3), np.uint8)
# corner, width, height; eyes, nose, corners of the mouth; score
FACE = [40, 30, 50, 60, 52.5, 50.5, 76.5, 50.5, 64.5, 64.5, 55.5, 76.5, 73.5, 76.5, 0.9]


class FakeYN:
    """Stands in for OpenCV's detector, whose model is not part of the project."""

    rows: NDArray[np.float32] | None = np.array([[0] * 14 + [0.5], FACE], np.float32)

    @classmethod
    def create(cls, *_: object) -> "FakeYN":
        return cls()

    def setInputSize(self, size: tuple[int, int]) -> None:
        assert size == (160, 120)

    def detect(self, image: NDArray[np.uint8]) -> tuple[int, NDArray[np.float32] | None]:
        return 1, self.rows


@pytest.fixture
def yunet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Yunet:
    (tmp_path / "yunet.onnx").touch()
    monkeypatch.setattr(cv2, "FaceDetectorYN", FakeYN)
    monkeypatch.setattr(FakeYN, "rows", np.array([FACE], np.float32))
    return Yunet(tmp_path / "yunet.onnx")


def test_whole_numbers_are_edges_of_pixels(yunet: Yunet) -> None:
    (found,) = yunet(PICTURE)

    assert found.box.as_tuple() == (39.5, 29.5, 89.5, 89.5)
    assert found.points is not None
    assert found.points[2].tolist() == [64, 64]
    assert found.score == pytest.approx(0.9)


def test_the_tight_box_comes_from_the_five_points(yunet: Yunet) -> None:
    (found,) = yunet(PICTURE)

    # The points span 52 to 76 by 50 to 76: 26 pixels stand for 26 / 0.493 of the tight box.
    assert found.tight is not None
    assert found.tight.side == pytest.approx(52.7, abs=0.1)
    assert found.tight.center == pytest.approx((63.7, 66.5), abs=0.1)


def test_nobody_is_an_empty_list(yunet: Yunet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeYN, "rows", None)

    assert yunet(PICTURE) == []


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"yunet\.onnx: expected the ONNX file of YuNet"):
        Yunet(tmp_path / "yunet.onnx")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "yunet.onnx").write_bytes(b"damaged")

    with pytest.raises(WeightsError, match=r"yunet\.onnx: OpenCV cannot read it"):
        Yunet(tmp_path / "yunet.onnx")

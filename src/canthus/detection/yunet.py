"""YuNet, run by OpenCV, with the user's own model file (Wu, Peng and Yu, 2023)."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from canthus.detection.boxes import RELATIONS
from canthus.detection.detector import Detection
from canthus.geometry import Box
from canthus.images.arrays import as_image
from canthus.images.yunet import YunetRunner


class Yunet:
    """Finds faces and five points of each with OpenCV's `FaceDetectorYN`.

    Its file is not part of Canthus, so neither could its boxes be measured. Its five points mark
    what everybody's do: the tight box is taken from them, by their relation on training faces.

    Args:
        model: the ONNX file that OpenCV's model zoo calls `face_detection_yunet`.
        score: the least score of a face, in [0, 1].

    Raises:
        WeightsError: if the file is missing, or is not YuNet's.
    """

    name = "yunet"
    relation = RELATIONS["tight"]  # never asked for: every detection knows its tight box

    def __init__(self, model: Path | str, *, score: float = 0.7) -> None:
        self._runner = YunetRunner(Path(model), score)

    def __call__(self, image: ArrayLike) -> list[Detection]:
        """Find all faces in a picture (H, W, 3) of RGB, the surest first.

        Raises:
            ValueError: if the array is no picture.
            WeightsError: if the model's answer is not YuNet's.
        """
        pixels = np.ascontiguousarray(as_image(image))
        return [_detection(row.tolist()) for row in self._runner.run(pixels)]


def _detection(row: list[float]) -> Detection:
    """A row of YuNet's, whose pixels' edges, not centers, are whole numbers."""
    x, y, width, height = row[:4]
    points = np.array(row[4:14], np.float32).reshape(5, 2) - np.float32(0.5)
    return Detection(
        box=Box.from_xywh(x - 0.5, y - 0.5, width, height),
        score=min(max(row[14], 0.0), 1.0),
        points=points,
        tight=RELATIONS["five points"].to_tight(Box.around(points)),
    )

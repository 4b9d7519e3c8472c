"""OpenCV's own face detector, as OpenCV runs it: rows of numbers out."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.errors import WeightsError

COLUMNS = 15  # corner, width and height; five points; score


class YunetRunner:
    """OpenCV's `FaceDetectorYN` with a model file of the user's.

    Args:
        path: the ONNX file that OpenCV's model zoo calls `face_detection_yunet`.
        score: the least score of a face, in [0, 1].

    Raises:
        WeightsError: if the file is missing, or OpenCV cannot make this detector of it.
    """

    def __init__(self, path: Path, score: float) -> None:
        if not path.is_file():
            raise WeightsError(f"{path}: expected the ONNX file of YuNet, found no file")
        try:
            self._detector = cv2.FaceDetectorYN.create(str(path), "", (320, 320), score)
        except cv2.error as error:
            raise WeightsError(f"{path}: OpenCV cannot read it as YuNet: {error.err}") from None
        self._path = path

    def run(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Detect in a picture (H, W, 3) of RGB; answers (N, 15), the surest first.

        Raises:
            WeightsError: if the model's answer is not YuNet's.
        """
        self._detector.setInputSize((image.shape[1], image.shape[0]))
        try:
            _, rows = self._detector.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        except cv2.error as error:
            raise WeightsError(f"{self._path}: does not run as YuNet: {error.err}") from None
        if rows is None:
            return np.zeros((0, COLUMNS), np.float32)
        found = np.asarray(rows, np.float32)
        return found[np.argsort(-found[:, -1], kind="stable")]

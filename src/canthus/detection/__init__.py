"""Where the faces are: detectors, and boxes from outside."""

from canthus.detection.boxes import RELATIONS, GivenBoxes
from canthus.detection.detector import Detection, Detector
from canthus.detection.mtcnn import Mtcnn
from canthus.detection.yunet import Yunet

__all__ = ["RELATIONS", "Detection", "Detector", "GivenBoxes", "Mtcnn", "Yunet"]

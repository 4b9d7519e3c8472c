"""What an aligner answers about one face."""

from dataclasses import dataclass

from canthus.faces.landmarks import Landmarks
from canthus.geometry import Box


@dataclass(frozen=True, slots=True)
class Pose:
    """Which way a head looks, in degrees, with the signs of AFLW; all 0 when it faces the camera.

    Attributes:
        yaw_deg: positive when the nose points to the picture's left, the subject's right.
        pitch_deg: positive when the nose points up.
        roll_deg: positive when the head is turned clockwise as seen in the picture.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a picture.

    Attributes:
        box: the tight box around its landmarks, in pixels.
        score: how surely it is a face, in [0, 1].
        landmarks: its points, in the picture's pixels.
        pose: which way it looks, if the model knows.
        expected_error: the error that the model expects of itself, as a fraction of the
            normalizer its manifest names, if it knows.
    """

    box: Box
    score: float
    landmarks: Landmarks
    pose: Pose | None = None
    expected_error: float | None = None

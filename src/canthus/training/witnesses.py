"""What is known of the faces of data sets, for fitting a face model to them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from canthus.datasets import Sample
from canthus.faces import SCHEMES, find_conversion
from canthus.training.fitting import OUTLINE, Floats, Witnesses
from canthus.training.lifted import Lifted

# Standard deviations of marks, in sides of the face, of each scheme that can be fitted.
DOUBT, OUTLINE_DOUBT = 0.012, 0.02  # of 68 points
DOUBT_21, EYES_21, ROUGH_21 = 0.015, 0.012, 0.03  # of AFLW's: most; the eyes; ears and chin
EYES, EARS, ROUGH = (7, 10, 18), (12, 16), (12, 16, 20)  # the mouth's middle is as good as eyes
LARGEST_YAW = 50.0  # degrees up to which lifting is believed, where the data set says the yaw
SMALLEST_YAW = 30.0  # from which on the said yaw is heard: below, points say it better
STEEPEST = 89.0  # degrees of yaw: in a profile, as far as poses go
NOT_HEARD = 1e3  # a doubt that is as good as nothing


def of(
    samples: Sequence[Sample], lifted: Lifted | None, data: Path, *, outline: bool = True
) -> Witnesses:
    """The witnesses of faces of one scheme.

    Args:
        samples: faces with 68 landmarks or AFLW's 21.
        lifted: from the same pictures, among others; None if nothing was lifted.
        data: the folder that the lifted pictures' paths begin at.
        outline: whether marks of the outline, and of ears, are to be heard.

    Raises:
        ValueError: if the landmarks are of another scheme, or of several.
    """
    names = {sample.landmarks.scheme.name for sample in samples}
    if len(names) != 1 or not names <= {"68", "21"}:
        raise ValueError(f"expected faces with 68 or 21 landmarks alone, found {sorted(names)}")
    full = names == {"68"}
    yaw = np.array([np.nan if s.yaw_deg is None else s.yaw_deg for s in samples])
    doubt = _doubt_68(outline) if full else _doubt_21(outline)
    heard = np.abs(yaw) > SMALLEST_YAW
    return Witnesses(
        marks=np.array([sample.landmarks.points for sample in samples], np.float64),
        readout=np.eye(68) if full else find_conversion("68", "21").weights,
        doubt=doubt,
        follows=full,
        lifted=_lifted(samples, yaw, lifted, data),
        yaw_deg=np.where(heard, np.clip(yaw, -STEEPEST, STEEPEST), np.nan),
        side=np.array([sample.box.side for sample in samples]),
    )


def _doubt_68(outline: bool) -> Floats:
    doubt = np.full(SCHEMES["68"].num_landmarks, DOUBT)
    doubt[OUTLINE] = OUTLINE_DOUBT if outline else NOT_HEARD
    return doubt


def _doubt_21(outline: bool) -> Floats:
    doubt = np.full(SCHEMES["21"].num_landmarks, DOUBT_21)
    doubt[list(EYES)] = EYES_21
    doubt[list(ROUGH)] = ROUGH_21
    if not outline:
        doubt[list(EARS)] = NOT_HEARD
    return doubt


def _lifted(
    samples: Sequence[Sample],
    yaw: Floats,
    lifted: Lifted | None,
    data: Path,
) -> Floats:
    if lifted is None:
        return np.full((len(samples), 1, 3), np.nan)
    found = {str(picture): row for row, picture in enumerate(lifted.picture)}
    points = np.full((len(samples), *lifted.points.shape[1:]), np.nan)
    for number, (sample, turned) in enumerate(zip(samples, yaw, strict=True)):
        row = found.get(sample.image.relative_to(data).as_posix())
        if row is not None and not abs(turned) > LARGEST_YAW:
            points[number] = lifted.points[row]
    return points

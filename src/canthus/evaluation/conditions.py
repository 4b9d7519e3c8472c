"""Under which conditions a face was found: how large, how turned, how blurred, in whose box."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.datasets.pictures import read_picture
from canthus.evaluation.report import FaceResult, Report
from canthus.geometry import Box, Similarity
from canthus.images.warp import crop

BLUR_SIDE = 128  # pixels of the crop in which blur is measured


def conditions_of(sample: Sample, given: Box | None, blur: float | None) -> Mapping[str, float]:
    """What is known of a face's conditions, by the names that `FaceResult` documents.

    Args:
        sample: the annotated face.
        given: the box that the model was given or the detector drew; None if there was none.
        blur: of `blur_of`; None if it was not measured.
    """
    known = {"face_size": sample.box.side}
    if sample.yaw_deg is not None:
        known["yaw_deg"] = sample.yaw_deg
    if given is not None:
        known["box_scale"] = given.side / sample.box.side
    if blur is not None:
        known["blur"] = blur
    return known


def blur_of(image: NDArray[np.uint8], box: Box) -> float:
    """How blurred a face is: minus the logarithm (base 10) of its Laplacian's variance.

    The face is brought to 128 x 128 pixels first, as a network would see it, so small faces are
    blurred ones. Larger is more blurred; sharp photos lie about -3, hopeless ones above -1.
    """
    view = crop(image, Similarity.crop(box, BLUR_SIDE), BLUR_SIDE)
    gray = view.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    inner = gray[1:-1, 1:-1]
    around = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    return float(-np.log10((around - 4 * inner).var() + 1e-3))


def with_blur(report: Report) -> Report:
    """A report whose faces know how blurred they are, as far as their pictures are there.

    Raises:
        ImageError: if a picture that is there cannot be read.
    """
    return replace(report, faces=tuple(map(_with_blur, report.faces)))


def _with_blur(face: FaceResult) -> FaceResult:
    sample = face.sample
    if "blur" in face.conditions or not sample.image.is_file():
        return face
    blur = blur_of(read_picture(sample), sample.box)
    return replace(face, conditions={**face.conditions, "blur": blur})

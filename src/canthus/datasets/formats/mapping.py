"""Faces of one scheme as faces of another, visibility included."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canthus.datasets.sample import Sample
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Conversion, Landmarks, find_conversion, scheme_of
from canthus.faces.scheme_files import SchemeFile


def way_to(source: SchemeFile, target: str) -> Conversion:
    """The way from a scheme, known or of a file, to a known one.

    Raises:
        DatasetError: naming where the source can be taken, if there is no way to the target.
    """
    name = source.scheme.name
    if target in source.conversions:
        return source.conversions[target]
    try:
        scheme_of(target)
        return find_conversion(name, target)
    except ValueError as error:
        if source.conversions and target in SCHEMES:
            ways = ", ".join(source.conversions)
            raise DatasetError(
                f"no conversion from scheme {name} to {target}; its file has: {ways}"
            ) from None
        raise DatasetError(str(error)) from None


def origins(way: Conversion) -> dict[str, list[int]]:
    """Which target points are copied from one point, mixed of several, or not held."""
    absent = np.isnan(way.weights).any(axis=1)
    sources = (np.nan_to_num(way.weights) != 0).sum(axis=1)
    copied = ~absent & (sources == 1)
    groups = {"copied": copied, "mixed": ~absent & ~copied, "unknown": absent}
    return {name: np.flatnonzero(flags).tolist() for name, flags in groups.items()}


def mapped(samples: Sequence[Sample], way: Conversion) -> list[Sample]:
    """The samples with the points of the target; their boxes stay as they are.

    A mixed point is visible only if all points that it is mixed of are.
    """
    return [_mapped(sample, way) for sample in samples]


def _mapped(sample: Sample, way: Conversion) -> Sample:
    landmarks = sample.landmarks
    points = way.convert(landmarks.points)
    scores = None if landmarks.scores is None else way.convert_scores(landmarks.scores)
    visible = None if sample.visible is None else _visible(sample.visible, way)
    target = Landmarks(points, scheme_of(way.target), scores)
    return replace(sample, landmarks=target, visible=visible)


def _visible(flags: NDArray[np.bool_], way: Conversion) -> NDArray[np.bool_]:
    """Flags (T,) of flags (S,); a point that the source does not hold is not visible."""
    used = np.nan_to_num(way.weights) != 0
    seen: NDArray[np.bool_] = used.any(axis=1) & ~(used & ~flags[None, :]).any(axis=1)
    return seen

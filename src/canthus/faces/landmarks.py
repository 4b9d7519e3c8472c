"""The landmarks of one face."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces.conversions import find_conversion
from canthus.faces.schemes import LandmarkScheme, scheme_of


@dataclass(frozen=True, eq=False, init=False)
class Landmarks:
    """Where the points of one face are, and what they mean.

    Attributes:
        points: (L, 2) or (L, 3) float32 in pixels; a row of NaN is a point that is not known.
        scheme: what index i means.
        scores: (L,) float32 in [0, 1], or None where nobody scored them.
        covariances: (L, 2, 2) float32 in pixels squared: of each point's error in the plane of
            the picture, as its model expects it; NaN where not known, None where nobody said.

    Raises:
        ValueError: if the points do not fit the scheme, scores or covariances do not fit the
            points, a point is infinite or known in part, or a covariance is none.
    """

    points: NDArray[np.float32]
    scheme: LandmarkScheme
    scores: NDArray[np.float32] | None
    covariances: NDArray[np.float32] | None

    def __init__(
        self,
        points: ArrayLike,
        scheme: LandmarkScheme,
        scores: ArrayLike | None = None,
        covariances: ArrayLike | None = None,
    ) -> None:
        object.__setattr__(self, "points", _checked_points(points, scheme))
        object.__setattr__(self, "scheme", scheme)
        object.__setattr__(self, "scores", _checked_scores(scores, scheme))
        object.__setattr__(self, "covariances", _checked_covariances(covariances, scheme))

    @property
    def num_landmarks(self) -> int:
        """How many points the scheme has, known or not."""
        return len(self.points)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which points are known, (L,)."""
        known: NDArray[np.bool_] = np.isfinite(self.points[:, 0])
        return known

    def part(self, name: str) -> NDArray[np.float32]:
        """The points of a named part, (n, 2) or (n, 3); left and right are the subject's own.

        Raises:
            ValueError: naming the scheme's parts, if it is none of them.
        """
        if name not in self.scheme.parts:
            raise ValueError(
                f"scheme {self.scheme.name} has no part {name!r}; "
                f"it has {', '.join(self.scheme.parts)}"
            )
        return self.points[list(self.scheme.parts[name])]

    def map(self, scheme_name: str) -> "Landmarks":
        """These landmarks in another scheme; points that this one does not hold are NaN.

        `find_conversion` says whether that is exact.

        Raises:
            ValueError: if there is no conversion to that scheme.
        """
        if scheme_name == self.scheme.name:
            return self
        way = find_conversion(self.scheme.name, scheme_name)
        scores = None if self.scores is None else way.convert_scores(self.scores)
        covariances = self.covariances
        if covariances is not None:
            covariances = way.convert_covariances(covariances).astype(np.float32)
        return Landmarks(way.convert(self.points), scheme_of(scheme_name), scores, covariances)

    def mirrored(self, width: float) -> "Landmarks":
        """The landmarks in the mirrored picture, which is `width` pixels wide."""
        order = list(self.scheme.mirror)
        points = self.points[order]
        points[:, 0] = width - 1 - points[:, 0]
        scores = None if self.scores is None else self.scores[order]
        covariances = self.covariances
        if covariances is not None:
            covariances = covariances[order] * np.array([[1, -1], [-1, 1]], np.float32)
        return Landmarks(points, self.scheme, scores, covariances)


def _checked_points(values: ArrayLike, scheme: LandmarkScheme) -> NDArray[np.float32]:
    points = _frozen(values)
    count = scheme.num_landmarks
    if points.shape not in ((count, 2), (count, 3)):
        raise ValueError(
            f"scheme {scheme.name} has points of shape ({count}, 2) or ({count}, 3), "
            f"found {points.shape}"
        )
    sound = np.isfinite(points).all(axis=1) | np.isnan(points).all(axis=1)
    if not sound.all():
        where = int(np.argmin(sound))
        raise ValueError(
            f"a point is finite, or all NaN if unknown; found {points[where]} at index {where}"
        )
    return points


def _checked_scores(values: ArrayLike | None, scheme: LandmarkScheme) -> NDArray[np.float32] | None:
    if values is None:
        return None
    scores = _frozen(values)
    if scores.shape != (scheme.num_landmarks,):
        raise ValueError(
            f"scheme {scheme.name} has scores of shape ({scheme.num_landmarks},), "
            f"found {scores.shape}"
        )
    return scores


def _checked_covariances(
    values: ArrayLike | None, scheme: LandmarkScheme
) -> NDArray[np.float32] | None:
    if values is None:
        return None
    covariances = _frozen(values)
    if covariances.shape != (scheme.num_landmarks, 2, 2):
        raise ValueError(
            f"scheme {scheme.name} has covariances of shape ({scheme.num_landmarks}, 2, 2), "
            f"found {covariances.shape}"
        )
    xx, xy, yx, yy = covariances.astype(np.float64).reshape(-1, 4).T
    with np.errstate(over="ignore", invalid="ignore"):  # infinite ones fail all of these
        sound = (xx > 0) & (yy > 0) & (xy == yx) & (xx * yy > xy * xy) & (xx + yy < np.inf)
    sound |= np.isnan(covariances).all(axis=(1, 2))
    if not sound.all():
        where = int(np.argmin(sound))
        raise ValueError(
            "a covariance is symmetric and positive definite, or all NaN if unknown; found "
            f"{covariances[where].tolist()} at index {where}"
        )
    return covariances


def _frozen(values: ArrayLike) -> NDArray[np.float32]:
    copy = np.array(values, np.float32)
    copy.setflags(write=False)
    return copy

"""What every family of models is, is taught with, and answers."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import torch.nn.functional as F
from torch import Tensor, nn

from canthus.models.layers.ellipses import Ellipses, spread
from canthus.models.layers.scores import Scores

Output = TypeVar("Output")


@dataclass(frozen=True, eq=False)
class Target:
    """What is known of a batch of faces, in pixels of their crops.

    Some data sets mark a place that is a mean of several of the model's landmarks, such as the
    center of an eye. These are the blends, and `readout` makes them from the landmarks.

    Attributes:
        points: (B, L, 2); anything where a landmark is not known.
        known: (B, L), 1 where the point is known and 0 elsewhere.
        size: (B,), the longer side of each face's tight box.
        blends: (B, E, 2); anything where not known.
        blends_known: (B, E).
        readout: (E, L), rows that add up to 1.
        coefficients: (B, 12 + K), of a face model: the camera row by row, from the model's
            coordinates to pixels of the crop and depths (x right, y down, z away), then identity
            and expression. NaN for a face that is not fitted; None where the training has no fits.
        fitted: how much a mean over the faces with coefficients counts, beside one over the known
            points: 1 but for a part of a batch, of whose fits it may have more than its share.
    """

    points: Tensor
    known: Tensor
    size: Tensor
    blends: Tensor
    blends_known: Tensor
    readout: Tensor
    coefficients: Tensor | None = None
    fitted: float = 1.0


@dataclass(frozen=True, eq=False)
class Prediction:
    """What every family answers for a batch of crops.

    Attributes:
        points: (B, L, 2), in pixels of the crop.
        scores: (B, L), in [0, 1]: the probability that a landmark lies within `SCORE_RADIUS`
            of the truth.
        covariance: (B, L, 2, 2), of the landmark's error, in pixels of the crop squared.
        depths: (B, L), how far away the landmarks are, in pixels of the crop; of each face only
            their differences mean something. None where the network does not know.
        camera: (B, 3, 4), from the face model's coordinates to pixels of the crop, and depths.
            None where there is no face model.
        shape: (B, K), the coefficients of identity and of expression. None likewise.
        error: (B,), the mean distance of a face's landmarks from the truth that the network
            expects, in longer sides of the tight box. None where it does not say.
        attention: (B, P), how much each patch counted at the last step that a face has taken: the
            mean of the gates in (0, 1) by which the step weighs the patch's features. A gate is
            per feature, so that this is a summary of them, and not how far the patch moved the
            landmarks. None where patches are not weighed.
        patches: (B, P, 3), the squares that were looked at then: x and y of the middle and the
            side, in pixels of the crop. None likewise.
        steps: (B,), how many were taken with a face. None where there are none.
    """

    points: Tensor
    scores: Tensor
    covariance: Tensor
    depths: Tensor | None = None
    camera: Tensor | None = None
    shape: Tensor | None = None
    error: Tensor | None = None
    attention: Tensor | None = None
    patches: Tensor | None = None
    steps: Tensor | None = None

    @property
    def spread(self) -> Tensor:
        """How far each landmark may be off, (B, L), in pixels; what the scores are made of."""
        return spread(self.covariance)


SCORE_RADIUS = 0.035  # of the longer side of the tight box; about 8 % of the inter-ocular distance


def framed(mean_face: Tensor, fills: float) -> Tensor:
    """A mean face (L, 2) in the middle of a crop, in the crop's sides, from its edges.

    Args:
        mean_face: in any unit.
        fills: of the crop's side, by the longer side of the face.
    """
    low, high = mean_face.amin(dim=0), mean_face.amax(dim=0)
    return 0.5 + fills / (high - low).max() * (mean_face - (low + high) / 2)


class AlignmentModel(nn.Module, ABC, Generic[Output]):
    """A network from crops (B, 3, S, S), RGB in [0, 1], to landmarks in pixels of the crops.

    Attributes:
        ellipses: from the covariance of a heatmap to that of the landmark's error.
        scores: from the spread of a landmark to the chance that it is near.
        sideways: added to every x, in pixels of the crop: how far to the right the annotators
            put their points, on average. Mirrored training faces hide that from a network.
        leans: whether that is asked of it at all; geometry has no annotators.
    """

    leans: ClassVar[bool] = True

    ellipses: Ellipses
    scores: Scores
    sideways: Tensor

    def prepare(self, mean_face: Tensor, fits: Tensor | None = None) -> None:
        """Be told before a training begins what its faces are like; most need not.

        Args:
            mean_face: their mean shape, (L, 2).
            fits: (N, 12 + K), of some of them, as in `Target.coefficients`; None without fits.
        """

    def calibrate(self, batches: Iterable[tuple[Tensor, Target]]) -> None:
        """Be told after a training how well it went, on faces it never saw; most need not.

        Args:
            batches: of them: crops (B, 3, S, S), and what is known.
        """

    @abstractmethod
    def forward(self, crops: Tensor) -> Output:
        """All that the loss needs."""

    @abstractmethod
    def loss(self, output: Output, target: Target) -> dict[str, Tensor]:
        """The loss's named terms; training adds them up."""

    @abstractmethod
    def decode(self, output: Output) -> Prediction:
        """The landmarks and their scores."""

    def predict(self, crops: Tensor) -> Prediction:
        """Crops in, landmarks out: what is exported."""
        return self.decode(self(crops))

    def calibrated(self, points: Tensor, covariance: Tensor) -> Prediction:
        """What to answer, by what was measured of this network on faces it never saw.

        Args:
            points: (B, L, 2), as the network finds them.
            covariance: (B, L, 2, 2), as it sees them.
        """
        covariance = self.ellipses(covariance)
        points = points + F.pad(self.sideways, (0, 1))
        return Prediction(points, self.scores(spread(covariance)), covariance)

"""The families of models, and the one table that knows them all."""

from typing import cast

from canthus.models.base import SCORE_RADIUS, AlignmentModel, Prediction, Target
from canthus.models.hourglass import Hourglass, HourglassConfig

ModelConfig = HourglassConfig
FAMILIES = {HourglassConfig: Hourglass}

Network = AlignmentModel[object]  # of any family


def build(config: ModelConfig) -> Network:
    """The network that a config describes, with fresh weights."""
    return cast(Network, FAMILIES[type(config)](config))


__all__ = [
    "FAMILIES",
    "SCORE_RADIUS",
    "AlignmentModel",
    "Hourglass",
    "HourglassConfig",
    "ModelConfig",
    "Network",
    "Prediction",
    "Target",
    "build",
]

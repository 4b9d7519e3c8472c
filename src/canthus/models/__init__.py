"""The families of models, and the one table that knows them all."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import Field

from canthus.config import parse
from canthus.models.base import SCORE_RADIUS, AlignmentModel, Prediction, Target
from canthus.models.dpr import Dpr, DprConfig
from canthus.models.heatmap import Heatmap, HeatmapConfig
from canthus.models.hourglass import Hourglass, HourglassConfig
from canthus.models.lgrn import Lgrn, LgrnConfig
from canthus.models.musica import Musica, MusicaConfig
from canthus.models.tddfa import Tddfa, TddfaConfig

ModelConfig = Annotated[
    HourglassConfig | HeatmapConfig | DprConfig | LgrnConfig | MusicaConfig | TddfaConfig,
    Field(discriminator="family"),
]
FAMILIES: dict[type, type] = {
    HourglassConfig: Hourglass,
    HeatmapConfig: Heatmap,
    DprConfig: Dpr,
    LgrnConfig: Lgrn,
    MusicaConfig: Musica,
    TddfaConfig: Tddfa,
}

Network = AlignmentModel[object]  # of any family


def build(config: ModelConfig) -> Network:
    """The network that a config describes, with fresh weights."""
    return cast(Network, FAMILIES[type(config)](config))


def described(values: Mapping[str, object], where: str) -> ModelConfig:
    """The config that plain values describe, of the family that they name.

    Raises:
        RecipeError: naming every key that is unknown, missing or of the wrong type.
    """
    return cast(ModelConfig, parse(cast(Any, ModelConfig), values, where))


__all__ = [
    "FAMILIES",
    "SCORE_RADIUS",
    "AlignmentModel",
    "Dpr",
    "DprConfig",
    "Heatmap",
    "HeatmapConfig",
    "Hourglass",
    "HourglassConfig",
    "Lgrn",
    "LgrnConfig",
    "ModelConfig",
    "Musica",
    "MusicaConfig",
    "Network",
    "Prediction",
    "Target",
    "Tddfa",
    "TddfaConfig",
    "build",
    "described",
]

"""The variables of MuSiCa's TensorFlow checkpoints: which of theirs is which of ours.

The checkpoints themselves need TensorFlow 0.8 to be read, and are not published any longer as far
as we know; what is here takes their variables as arrays.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from canthus.errors import WeightsError
from canthus.models import Musica, MusicaConfig

Variables = Mapping[str, NDArray[np.floating]]

AVERAGE = "/ExponentialMovingAverage"  # of a variable; what the original evaluates with
PUBLISHED_49 = MusicaConfig(
    scheme="98",
    networks="published",
    patches=tuple(range(0, 98, 2)),
    sampling="integer",
    fills=0.625,
    hidden=512,
    loss="published",
)
CROP_SCALE = 1.6  # the box, and 0.3 of its sides beyond each edge
CROP_SIZE = 228


def fill(network: Musica, variables: Variables) -> None:
    """Give the steps of a published network a checkpoint's variables.

    Convolutions are stored row, column, in, out there, and matrices in, out. Where a variable's
    moving average is there too, that is taken.

    Args:
        network: with `networks: published`, of as many steps, patches and units as theirs.
        variables: by their names in the checkpoint, such as `Conv_2/weights`.

    Raises:
        WeightsError: if a variable is missing or has another shape.
    """
    state = network.state_dict()
    for number in range(network.config.steps):
        for ours, theirs in _names(number, attention=network.config.attention).items():
            for kind, name in (("weight", "weights"), ("bias", "biases")):
                wanted = state[f"steps.{number}.{ours}.{kind}"]
                wanted.copy_(_fitting(variables, f"{theirs}/{name}", wanted))


def _names(number: int, *, attention: bool) -> dict[str, str]:
    """The layers of a step: ours, and the scopes of theirs, which count up from the first step."""
    dense = ["attention", "hidden", "output"] if attention else ["hidden", "output"]
    layers = [("Conv", ["conv1", "conv2"]), ("FC", dense)]
    return {
        ours: f"{kind}_{place}" if place else kind
        for kind, each in layers
        for place, ours in enumerate(each, number * len(each))
    }


def _fitting(variables: Variables, name: str, wanted: Tensor) -> Tensor:
    found = variables.get(f"{name}{AVERAGE}", variables.get(name))
    if found is None:
        raise WeightsError(f"expected a variable {name}, found none")
    value = torch.from_numpy(np.array(found, np.float32))
    value = value.permute(3, 2, 0, 1) if value.ndim == 4 else value.T if value.ndim == 2 else value
    if value.shape != wanted.shape:
        raise WeightsError(
            f"{name}: expected {tuple(wanted.shape)} as ours has it, found {tuple(value.shape)}"
        )
    return value

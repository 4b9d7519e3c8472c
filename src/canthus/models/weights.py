"""Whether weights that were read from a file are those of a network."""

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

SHOWN = 3  # tensors that a message names; of another network's, hundreds do not fit


def completed(network: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Some weights for a fresh network, with ellipses not fitted where older files have none."""
    ours = network.state_dict().items()
    return {name: value for name, value in ours if name.startswith("ellipses.")} | dict(weights)


def misfits(network: nn.Module, weights: Mapping[str, Tensor]) -> str:
    """What of some weights does not fit a network, in words; empty if all does."""
    found = list(_misfits(network.state_dict(), weights))
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(found[:SHOWN]) + more


def _misfits(wanted: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Iterator[str]:
    for name, value in wanted.items():
        if name not in weights:
            yield f"expected {name}, found none"
        elif (shape := tuple(weights[name].shape)) != tuple(value.shape):
            yield f"expected {name} of shape {tuple(value.shape)}, found {shape}"
    yield from (f"expected no {name}" for name in weights if name not in wanted)

"""The fixtures of L-GRN: pictures, faces, and weights that are drawn from names; the networks."""

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from canthus.importing.lgrn import PUBLISHED
from canthus.importing.lgrn_names import original_names
from canthus.models import Lgrn, LgrnConfig, Target

Arrays = dict[str, NDArray[Any]]

# Of a file: what differs from the released network, the seed, and the scale of norms.
FULL: dict[str, tuple[dict[str, Any], int, float]] = {
    "full_lgrn": ({}, 11, 0.7),
    "full_fc": ({"head": "fc"}, 13, 0.7),
    "full_multilevel": ({"nodes": "multilevel"}, 15, 0.7),
    "full_dynamic_v1": ({"edges": "dynamic", "edges_from": "map"}, 15, 0.7),
    "full_dynamic_v2": ({"edges": "dynamic", "nodes": "multilevel"}, 15, 0.7),
    "full_mobilenet_a": ({"backbone": "mobilenet_a"}, 17, 1.0),
    "full_hrnet_w18": ({"backbone": "hrnet_w18"}, 17, 0.5),
}


def arrays(path: Path) -> Arrays:
    return dict(np.load(path))


def config_of(name: str) -> LgrnConfig:
    return replace(PUBLISHED, **FULL[name][0])


def on_meta(config: LgrnConfig) -> Lgrn:
    """The shapes of a network, without its numbers."""
    with torch.device("meta"):
        return Lgrn(config)


def drawn(name: str, shape: tuple[int, ...], seed: int, norm: float | None) -> NDArray[np.float32]:
    """A tensor by its name in the original; `norm` is the scale of a batch norm's tensors."""
    source = np.random.RandomState((zlib.crc32(name.encode()) + seed) % 2**32)
    z = source.standard_normal(shape)
    last = name.rpartition(".")[2]
    if norm is not None:
        kinds = {"weight": norm + 0.1 * z, "running_var": 1 + 0.2 * np.abs(z)}
        return kinds.get(last, 0.1 * z).astype(np.float32)
    if last == "W":
        z = z / np.sqrt(shape[-2])
    elif last == "e":
        z = 1 + 0.5 * z
    elif last == "bias":
        z = 0.1 * z
    else:
        z = z * np.sqrt(2 / np.prod(shape[1:]))
    return z.astype(np.float32)


@torch.no_grad()
def fill(module: nn.Module, names: dict[str, str], seed: int, norm: float) -> dict[str, Tensor]:
    """Give a module the recipe's weights; by the original's names and in its shapes."""
    norms = {n.rpartition(".")[0] for n in names.values() if n.endswith("running_mean")}
    state, found = module.state_dict(), {}
    for ours, theirs in names.items():
        shape = tuple(state[ours].shape)
        shape = (1, *shape) if theirs.endswith(".e") else shape
        scale = norm if theirs.rpartition(".")[0] in norms else None
        value = torch.tensor(drawn(theirs, shape, seed, scale))
        found[theirs] = value
        state[ours].copy_(value.reshape(state[ours].shape))
    return found


def filled(config: LgrnConfig, seed: int, norm: float) -> tuple[Lgrn, dict[str, Tensor]]:
    """A network with the recipe's weights, and these as a checkpoint has them."""
    network = Lgrn(config).eval()
    return network, fill(network, original_names(network), seed, norm)


def pictures() -> Tensor:
    """Noise and waves, (2, 3, 256, 256)."""
    noise = np.random.RandomState(5).standard_normal((3, 256, 256))
    v, u = np.meshgrid(np.arange(256) / 256, np.arange(256) / 256, indexing="ij")
    turn = 2 * np.pi
    waves = [
        1.4142 * np.sin(turn * (k + 1) * u + 1.3 * k) * np.cos(turn * (3 - k) * v + 0.4 * k)
        for k in range(3)
    ]
    return torch.tensor(np.stack([noise, np.stack(waves)]).astype(np.float32))


def faces(size: int, scheme: str = "98") -> tuple[Tensor, Target]:
    """Two crops of noise, with points anywhere in the middle of them."""
    generator, count = torch.Generator().manual_seed(0), int(scheme)
    points = size * (0.2 + 0.6 * torch.rand(2, count, 2, generator=generator))
    target = Target(
        points=points,
        known=torch.ones(2, count),
        size=torch.full((2,), 0.6 * size),
        blends=torch.zeros(2, 0, 2),
        blends_known=torch.zeros(2, 0),
        readout=torch.zeros(0, count),
    )
    return torch.rand(2, 3, size, size, generator=generator), target


def off(found: Tensor, wanted: NDArray[Any]) -> float:
    """The largest difference, as a share of the largest number."""
    apart = found.detach().numpy().reshape(wanted.shape) - wanted
    return float(np.abs(apart).max() / np.abs(wanted).max())

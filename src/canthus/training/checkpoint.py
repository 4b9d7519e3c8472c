"""A training's whole state in one file: written beside, then put in place at once."""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from canthus.errors import WeightsError
from canthus.models import Network
from canthus.models.weights import completed, misfits
from canthus.storage import write_whole

BLANK = b"--------"  # in the place of the checksum while it is taken


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a training is: steps done, and the loss terms summed since the last log line."""

    step: int
    sums: dict[str, float]


def write_state(
    path: Path,
    networks: dict[str, Network],
    optimizer: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Write networks, optimizer and progress, with a checksum of all that.

    Raises:
        StorageError: if the disk refuses.
    """
    tensors = {
        f"{name}.{key}": value.detach().contiguous()
        for name, network in networks.items()
        for key, value in network.state_dict().items()
    }
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value.contiguous() for key, value in state.items()}
    # the checksum first: whatever else looks like it comes later
    said = {"crc32": BLANK.decode(), "step": progress.step, "sums": progress.sums}
    data = save(tensors, {"progress": json.dumps(said)})
    write_whole(path, data.replace(BLANK, _checksum(data), 1))


def read_state(
    path: Path,
    networks: dict[str, Network],
    optimizer: torch.optim.Optimizer,
) -> Progress:
    """Fill networks and optimizer with what `write_state` wrote, and say how far it was.

    Raises:
        WeightsError: if the file is damaged or belongs to another recipe.
    """
    tensors, metadata = read_tensors(path)
    progress = _progress(metadata, path)
    for name, network in networks.items():
        fill(network, _below(name, tensors), path)
    plain = optimizer.state_dict()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments = _below("optimizer", tensors)
    _check_moments(moments, parameters, path)
    plain["state"] = _moments(moments, parameters)
    optimizer.load_state_dict(plain)
    return progress


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a safetensors file.

    Raises:
        WeightsError: if it is missing or damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: expected a safetensors file, found: {error}") from None


def fill(network: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Fill a fresh network with tensors read from a file.

    Raises:
        WeightsError: if they are of another network.
    """
    weights = completed(network, tensors)
    if found := misfits(network, weights):
        raise WeightsError(f"{path}: does not fit the recipe's model: {found}")
    network.load_state_dict(weights)


def _progress(metadata: dict[str, str], path: Path) -> Progress:
    """How far the training of a state was; one of an earlier version has no checksum."""
    try:
        said = json.loads(metadata["progress"])
        wanted, progress = said.get("crc32"), Progress(step=said["step"], sums=said["sums"])
    except (KeyError, ValueError):
        raise WeightsError(
            f"{path}: expected a training's state, with its progress; found none"
        ) from None
    if wanted is not None:
        data, wanted = path.read_bytes(), wanted.encode()
        found = _checksum(data.replace(wanted, BLANK, 1))
        if found != wanted:
            raise WeightsError(
                f"{path}: the file has changed since it was written: expected the checksum "
                f"{wanted.decode()}, found {found.decode()}; go on from a copy, or begin anew"
            )
    return progress


def _checksum(data: bytes) -> bytes:
    return f"{zlib.crc32(data):08x}".encode()


def _below(name: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = f"{name}."
    return {key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)}


def _check_moments(tensors: dict[str, Tensor], parameters: list[nn.Parameter], path: Path) -> None:
    """A parameter that has any has all of its optimizer's, and each is a number or of its shape."""
    names = {key.partition(".")[2] for key in tensors}
    for index in sorted({key.partition(".")[0] for key in tensors}):
        for key in (f"{index}.{name}" for name in names):
            if key not in tensors:
                raise WeightsError(f"{path}: expected optimizer.{key}, found none")
            wanted, found = parameters[int(index)].shape, tensors[key].shape
            if found not in (wanted, torch.Size()):
                raise WeightsError(
                    f"{path}: optimizer.{key}: expected shape {tuple(wanted)}, found {tuple(found)}"
                )


def _moments(
    tensors: dict[str, Tensor], parameters: list[nn.Parameter]
) -> dict[int, dict[str, Tensor]]:
    """The optimizer's tensors by parameter, laid out in memory as their parameter is.

    The fused AdamW walks through both in step, whatever their strides say.
    """
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        parameter = parameters[int(index)]
        if value.shape == parameter.shape:
            value = torch.empty_like(parameter).copy_(value).detach()
        state.setdefault(int(index), {})[name] = value
    return state

"""The released checkpoints of 3DDFA and 3DDFA_V2: which tensor of theirs is which of ours."""

import re
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from canthus.errors import WeightsError
from canthus.faces.face_model import FaceModel, read_face_model
from canthus.importing.arrays import State, read_arrays, read_state
from canthus.importing.pickles import read_pickle
from canthus.importing.tddfa_pipeline import Conventions
from canthus.importing.writing import write
from canthus.models import Network, Tddfa, TddfaConfig
from canthus.models.layers.mobilenet import MobileNet

LANDMARK_HEAD = "fc_lm."  # of 3DDFA_V2, of use in its training only
# Our blocks of MobileNet, by their names in the original.
BLOCKS = (
    *("dw2_1", "dw2_2", "dw3_1", "dw3_2", "dw4_1", "dw4_2"),
    *(f"dw5_{number}" for number in range(1, 7)),
    "dw6",
)
STAGES = (3, 4, 3)  # blocks of ResNet-22
CROP_SCALE = 2**0.5  # of the published square about landmarks
UNIT_MM = 0.001  # of the published face model
WHITENING = (("mean", "std"), ("param_mean", "param_std"))  # names of its arrays


def convert(
    source: Path,
    target: Path,
    *,
    face_model: Path,
    whitening: Path,
    license: str,
    conventions: Conventions | None = None,
) -> str:
    """Write a released checkpoint as a weights file of ours.

    Args:
        source: the checkpoint.
        target: the `.safetensors` file to write.
        face_model: what `canthus face-model convert bfm` wrote: the published network knows faces
            by the coefficients of that model alone.
        whitening: the published means and standard deviations of the coefficients, which must be
            those of the checkpoint: `param_whitening.pkl` or `param_mean_std_62d_120x120.pkl`, or
            an `.npz` of the same two arrays.
        license: the terms that the weights came under.
        conventions: whose pixels; by default 3DDFA_V2's where the checkpoint is one of its own.

    Returns:
        Which network it is, in words.

    Raises:
        WeightsError: if a file is missing or damaged, or is of another network or face model.
        StorageError: if the target cannot be written.
    """
    config, tensors = read(source)
    if conventions is not None:
        config = replace(config, conventions=conventions)
    network = Tddfa(config).eval()
    network.backbone.load_state_dict(dict(tensors), strict=False)
    _give_faces(network, read_face_model(face_model), face_model)
    mean, spread = read_whitening(whitening, config.num_coefficients)
    network.model.mean.copy_(mean)
    network.model.spread.copy_(spread)
    write(
        cast(Network, network),
        config,
        target,
        scheme="68",
        crop_size=config.size,
        crop_scale=CROP_SCALE,
        license=license,
    )
    count = config.num_coefficients
    return f"tddfa, {config.backbone}, {count} coefficients, conventions {config.conventions}"


def _give_faces(network: Tddfa, model: FaceModel, path: Path) -> None:
    """Put the landmarks of a face model into a network."""
    config = network.config
    if abs(model.unit_mm / UNIT_MM - 1) > 0.01:  # it is a float32
        raise WeightsError(
            f"{path}: expected the Basel model in micrometres, found {model.name} in units of "
            f"{model.unit_mm:g} mm"
        )
    try:
        sparse = model.reduced(config.identities, config.expressions).sparse()
    except ValueError as error:
        raise WeightsError(f"{path}: {error}; the network needs as many") from None
    network.model.neutral.copy_(torch.tensor(sparse.neutral))
    basis = np.concatenate([sparse.identity, sparse.expression])
    network.model.basis.copy_(torch.tensor(basis))


def read_whitening(path: Path, count: int) -> tuple[Tensor, Tensor]:
    """The means and standard deviations (K,) of coefficients; no code in the file is run.

    Raises:
        WeightsError: if the file is missing or damaged, or does not hold these.
    """
    found = read_arrays(path) if path.suffix == ".npz" else read_pickle(path)
    arrays = found if isinstance(found, dict) else {}
    names = next((pair for pair in WHITENING if set(pair) <= set(arrays)), None)
    if names is None:
        raise WeightsError(f"{path}: expected arrays mean and std, found {sorted(arrays)[:4]}")
    mean, spread = (np.asarray(arrays[name], np.float32).reshape(-1) for name in names)
    if len(mean) != count or len(spread) != count:
        raise WeightsError(
            f"{path}: expected {count} means and as many standard deviations, found "
            f"{len(mean)} and {len(spread)}"
        )
    if not (np.isfinite(mean).all() and np.isfinite(spread).all() and (spread >= 0).all()):
        raise WeightsError(f"{path}: expected finite means, and standard deviations of 0 or more")
    return torch.tensor(mean), torch.tensor(spread)


def read(path: Path) -> tuple[TddfaConfig, State]:
    """The network of a checkpoint, and its tensors by our names.

    The published conventions go with it: those of 3DDFA_V2 where its own names are found.

    Raises:
        WeightsError: if the file is damaged, or its tensors are of no such network.
    """
    theirs = read_state(path)
    newer = any(name.startswith("fc_param.") for name in theirs)
    conventions: Conventions = "v2" if newer else "v1"
    theirs = {
        re.sub(r"^fc_param\.", "fc.", name): value
        for name, value in theirs.items()
        if not name.startswith(LANDMARK_HEAD)
    }
    config = _config(theirs, conventions, path)
    return config, _renamed(Tddfa(config).backbone, theirs, path)


def original_names(backbone: nn.Module) -> dict[str, str]:
    """For each tensor of ours, by its name, the original's; counters of batches left out."""
    rename = _mobilenet_name if isinstance(backbone, MobileNet) else _resnet_name
    return {
        name: rename(name)
        for name in backbone.state_dict()
        if not name.endswith("num_batches_tracked")
    }


def _mobilenet_name(name: str) -> str:
    if stem := re.fullmatch(r"stem\.([01])\.(\w+)", name):
        return f"{('conv1', 'bn1')[int(stem[1])]}.{stem[2]}"
    if block := re.fullmatch(r"blocks\.(\d+)\.([01])\.([01])\.(\w+)", name):
        place, half, layer, tensor = block.groups()
        kind = ("conv", "bn")[int(layer)] + ("_dw", "_sep")[int(half)]
        return f"{BLOCKS[int(place)]}.{kind}.{tensor}"
    return name.replace("head.", "fc.")


def _resnet_name(name: str) -> str:
    if stem := re.fullmatch(r"stem\.([01])\.([01])\.(\w+)", name):
        number, layer, tensor = stem.groups()
        return f"{('conv', 'bn')[int(layer)]}{int(number) + 1}.{tensor}"
    if block := re.fullmatch(r"blocks\.(\d+)\.(body|skip)\.(.+)", name):
        place, way, rest = block.groups()
        stage, number = _stage(int(place))
        home = f"layer{stage}.{number}"
        if way == "skip":
            return f"{home}.downsample.{rest}"
        half, layer, tensor = rest.split(".")
        return f"{home}.{('conv', 'bn')[int(layer)]}{int(half) + 1}.{tensor}"
    return name.replace("head.", "conv_param.")


def _stage(place: int) -> tuple[int, int]:
    """Which stage a block is of, from 1, and which of its blocks it is, from 0."""
    for stage, count in enumerate(STAGES, 1):
        if place < count:
            return stage, place
        place -= count
    raise ValueError(f"ResNet-22 has no block {place}")


def _config(theirs: State, conventions: Conventions, path: Path) -> TddfaConfig:
    """Which backbone it is, how wide, and for how many coefficients."""
    config = TddfaConfig(colors="bgr", conventions=conventions)
    if "conv_param.weight" in theirs:
        said, config = theirs["conv_param.weight"], replace(config, backbone="resnet22")
    elif "fc.weight" in theirs and "conv1.weight" in theirs:
        said, width = theirs["fc.weight"], len(theirs["conv1.weight"]) / 32
        config = replace(config, width=width)
    else:
        raise WeightsError(
            f"{path}: expected a MobileNet or ResNet-22 of 3DDFA, with fc.weight or "
            f"conv_param.weight; found {', '.join(sorted(theirs)[:3])}"
        )
    shapes = {62: (40, 10), 72: (40, 20), 141: (100, 29)}
    if len(said) not in shapes:
        known = ", ".join(map(str, shapes))
        raise WeightsError(f"{path}: expected {known} coefficients, found {len(said)}")
    identities, expressions = shapes[len(said)]
    return replace(config, identities=identities, expressions=expressions)


def _renamed(backbone: nn.Module, theirs: State, path: Path) -> State:
    """Their tensors by our names; all of them, and no others."""
    left, ours = dict(theirs), backbone.state_dict()
    found: dict[str, Tensor] = {}
    for name, original in original_names(backbone).items():
        if original not in left:
            raise WeightsError(f"{path}: expected a tensor {original}, found none of that name")
        value = left.pop(original)
        if value.shape != ours[name].shape:
            raise WeightsError(
                f"{path}: {original}: expected the shape {tuple(ours[name].shape)}, found "
                f"{tuple(value.shape)}"
            )
        found[name] = value.float()
    if over := sorted(name for name in left if not name.endswith("num_batches_tracked")):
        raise WeightsError(f"{path}: expected no tensor beyond the network's, found {over[0]}")
    return found

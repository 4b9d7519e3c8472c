"""Published heatmap networks: which tensor of theirs is which of ours, and which network it is."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from canthus.errors import WeightsError
from canthus.faces.schemes import scheme_of
from canthus.importing.mxnet import read_params
from canthus.importing.writing import write
from canthus.models import HeatmapConfig, Network, build
from canthus.models.layers.blocks import Kind

Arrays = Mapping[str, NDArray[np.generic]]

NORMS = {
    "weight": "arg:{}_gamma",
    "bias": "arg:{}_beta",
    "running_mean": "aux:{}_moving_mean",
    "running_var": "aux:{}_moving_var",
}
IS_NORM = re.compile(r"\.bn\d?$")
CELLS = 64  # of a published map's side
CROP_SCALE = 1.2  # of the published crops, over the longer side of the tight box
OURS_ALONE = ("ellipses.", "scores.", "sideways")


def original_names(config: HeatmapConfig) -> dict[str, str]:
    """For each tensor of a network of ours, by its name, the original's name.

    Batch counters, and what we measure when a training ends, have none.
    """
    names = {}
    for key in build(config).state_dict():
        if not key.startswith(OURS_ALONE) and not key.endswith("num_batches_tracked"):
            module, _, tensor = key.rpartition(".")
            name = _module(module, config)
            if IS_NORM.search(module):
                names[key] = NORMS[tensor].format(name)
            else:
                names[key] = f"arg:{name}_{tensor}"
    return names


def convert(source: Path, target: Path, *, scheme: str, license: str) -> str:
    """Write a published checkpoint as a weights file of ours.

    Args:
        source: a `.params` file.
        target: the `.safetensors` file to write.
        scheme: of the landmarks, by its name.
        license: the terms that the weights came under.

    Returns:
        Which network it is, in words.

    Raises:
        WeightsError: if the file is damaged, is of no such network, or of another scheme.
        StorageError: if the target cannot be written.
    """
    arrays = read_params(source)
    config = described(arrays, str(source))
    if (wanted := scheme_of(scheme).num_landmarks) != config.num_landmarks:
        raise WeightsError(
            f"{source}: expected {wanted} maps, as scheme {scheme} has landmarks, found "
            f"{config.num_landmarks}; name another with --scheme"
        )
    write(
        fill(arrays, config, str(source)),
        config,
        target,
        scheme=scheme,
        crop_size=CELLS * config.stride,
        crop_scale=CROP_SCALE,
        license=license,
    )
    words = f"{config.num_stacks} stacks of depth {config.depth}, blocks {config.block}"
    return f"{config.topology}, {words}, deformable {config.deformable}"


def fill(arrays: Arrays, config: HeatmapConfig, where: str) -> Network:
    """The network of a config with the original's arrays.

    Raises:
        WeightsError: if an array is missing, left over or of another shape.
    """
    names = original_names(config)
    if missing := sorted(set(names.values()) - set(arrays)):
        raise WeightsError(f"{where}: expected {_some(missing)}, found none of that name")
    if over := sorted(set(arrays) - set(names.values())):
        raise WeightsError(f"{where}: expected no tensor beyond the network's, found {_some(over)}")
    network = build(config)
    state = network.state_dict()
    for key, name in names.items():
        if (found := arrays[name].shape) != (wanted := tuple(state[key].shape)):
            raise WeightsError(f"{where}: {name}: expected the shape {wanted}, found {found}")
        state[key] = torch.tensor(np.asarray(arrays[name], np.float32))
    network.load_state_dict(state)
    return network.eval()


def described(arrays: Arrays, where: str) -> HeatmapConfig:
    """The config of the network that a checkpoint's tensors are of, told by their names.

    Raises:
        WeightsError: if they are of no such network.
    """
    names = {name.partition(":")[2] for name in arrays}
    head = arrays.get("arg:heatmap_weight")
    stem = arrays.get("arg:conv0_weight")
    if head is None or stem is None:
        found = _some(sorted(names)) if names else "no tensors"
        raise WeightsError(
            f"{where}: expected tensors heatmap_weight and conv0_weight of a stacked hourglass or "
            f"SAT, found {found}"
        )
    if len(stem.shape) != 4 or len(head.shape) != 4:
        raise WeightsError(f"{where}: expected convolutions of 4 axes, found another number")
    sat = any(name.startswith("sat0_") for name in names)
    shifted = "heatmap_offset_weight" in names
    summed = any(name.endswith("_out3_weight") for name in names)
    return HeatmapConfig(
        num_landmarks=head.shape[0],
        topology="sat" if sat else "hourglass",
        block=_block(arrays),
        num_stacks=1 + sum(bool(re.fullmatch(r"heatmap\d+_weight", name)) for name in names),
        depth=_depth(names, sat=sat),
        width=head.shape[1] / 256,
        stride=4 if stem.shape[-1] == 7 else 2,
        deformable=3 if shifted and summed else 2 if shifted else 1 if summed else 0,
        deformable_sum="published" if summed and not sat else "next",
        loss="l2",
        labels="published",
        decoder="fit",
    )


def _block(arrays: Arrays) -> Kind:
    if "arg:stack0_unit0_w3_h4_1_conv_weight" in arrays:
        return "cab"
    if "arg:stack0_unit0_block35_conv_conv_weight" in arrays:
        return "inception"
    first = arrays.get("arg:stack0_unit0_conv1_weight")
    return "hpm" if first is not None and first.shape[-1:] == (3,) else "residual"


def _depth(names: set[str], *, sat: bool) -> int:
    if sat:
        corners = (re.match(r"sat0_w1_h(\d+)_1_", name) for name in names)
        return max((int(found[1]) - 1 for found in corners if found), default=1)
    levels = (re.match(r"stack0_hg((_\d+)*)_low2_0_", name) for name in names)
    return max((1 + found[1].count("_") for found in levels if found), default=1)


def _module(path: str, config: HeatmapConfig) -> str:
    """The original's name of a layer of ours, such as `stacks.0.body.low2.up1.bn1`."""
    room, *inner = path.split(".")
    if room == "stem":
        name, inner = inner[0], inner[1:]
    else:
        stack, part, *inner = inner
        name, inner = _in_stack(int(stack), part, inner, config)
    if inner[1:] in (["conv"], ["bn"]) and inner[0].startswith("conv"):  # of an inception block
        inner = ["block35", *inner]
    return "_".join([name, *inner])


def _in_stack(
    stack: int, part: str, inner: list[str], config: HeatmapConfig
) -> tuple[str, list[str]]:
    """The original's name of a part of a stack, and what is left of the path inside it."""
    if part == "body" and config.topology == "sat":
        return _in_grid(f"sat{stack}", inner, config.depth)
    if part == "body":
        return _in_hourglass(f"stack{stack}_hg", inner, config.depth)
    if part == "heatmap":
        return ("heatmap" if stack == config.num_stacks - 1 else f"heatmap{stack}"), inner
    return f"stack{stack}_{ {'unit': 'unit0', 'bridge': 'body'}.get(part, part) }", inner


def _in_hourglass(name: str, inner: list[str], depth: int) -> tuple[str, list[str]]:
    while depth > 1 and inner[0] == "low2":
        depth -= 1
        name, inner = f"{name}_{depth}", inner[1:]
    return f"{name}_{inner[0]}_0", inner[1:]


def _in_grid(name: str, inner: list[str], depth: int) -> tuple[str, list[str]]:
    kind, place, *inner = inner
    if kind in ("before", "after"):
        return f"{name}_w{depth - int(place)}_h{depth + 1}_{1 if kind == 'before' else 2}", inner
    if kind == "sides":
        return f"{name}_{place}_x", inner
    if inner[0] == "conv":
        return f"{name}_upsampling_{place}", []
    if inner[0] == "bn":
        return f"{name}_{place}_y", inner
    return f"{name}_{place}_4", inner[1:]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more

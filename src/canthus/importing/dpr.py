"""The released checkpoints of DPR: which tensor of theirs is which of ours."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor

from canthus.errors import WeightsError
from canthus.importing.arrays import State, read_state
from canthus.importing.writing import write
from canthus.models import Dpr, DprConfig, Network

FILES = ("global_reinit", "global_regress", "local_reinit", "local_regress")
SCHEMES: dict[str, Literal["68", "98", "106jd"]] = {"68": "68", "98": "98", "106": "106jd"}
PART_NAMES = ("left_eye", "right_eye", "nose", "mouth")  # the viewer's left
PUBLISHED = DprConfig(
    networks="published",
    local_share=1.0,
    seen=0.5,
    coarse=128,
    size=256,
    part=128,
    colors="bgr",
)
CROP_SIZE, CROP_SCALE = 512, 2.2  # the first network sees a square of 1.1 boxes in its middle


def convert(folder: Path, target: Path, *, license: str) -> str:
    """Write a folder of released checkpoints as one weights file of ours.

    Args:
        folder: with the checkpoints and the mean face somewhere below it, under their own names.
        target: the `.safetensors` file to write.
        license: the terms that the weights came under.

    Returns:
        Which network it is, in words.

    Raises:
        WeightsError: if a file is missing or damaged, or its tensors are of another network.
        StorageError: if the target cannot be written.
    """
    network = read(folder)
    config = network.config
    write(
        cast(Network, network),
        config,
        target,
        scheme=config.scheme,
        crop_size=CROP_SIZE,
        crop_scale=CROP_SCALE,
        license=license,
    )
    stages = "global and local stage" if config.local else "global stage alone"
    return f"dpr, {config.num_landmarks} landmarks, {stages}"


def read(folder: Path) -> Dpr:
    """The network of a folder of released checkpoints; with the local stage where it is whole.

    Raises:
        WeightsError: if a file is missing or damaged, or its tensors are of another network.
    """
    count, files = _found(folder)
    config = replace(PUBLISHED, scheme=SCHEMES[count], local=set(FILES) <= set(files))
    names = FILES if config.local else FILES[:2]
    network = Dpr(config).eval()
    fill(network, {name: (str(files[name]), read_state(files[name])) for name in names})
    network.mean.copy_(_read_mean(_one(folder, f"mean_{count}_face.npy"), config.num_landmarks))
    return network


def original_names(network: Dpr) -> dict[str, list[str]]:
    """For each learned tensor of ours, by its name, the original's: one of each part's network."""
    parts = len(network.parts)
    homes = {
        "reinit.features": ["localization"],
        "reinit.head": ["fc_loc"],
        "regress.backbone.features": ["features"],
        "regress.head": ["pts_net"],
        "local_reinit": [f"{part}_net" for part in PART_NAMES[:parts]],
        "local_regress.backbone.features": [f"{part}_net" for part in PART_NAMES[:parts]],
        "local_regress.head": [f"{part}_loc" for part in PART_NAMES[:parts]],
    }
    names = {}
    for key in network.state_dict():
        home = max((home for home in homes if key.startswith(f"{home}.")), key=len, default=None)
        if home is not None and not key.endswith("num_batches_tracked"):
            names[key] = _inside(homes[home], key.removeprefix(f"{home}."))
    return names


def _inside(homes: list[str], path: str) -> list[str]:
    """The original's names of a tensor inside of its networks, such as `3.body.1.0.weight`."""
    if block := re.fullmatch(r"(\d+)\.body\.(\d)\.([01])\.(\w+)", path):
        number, layer, which, tensor = block.groups()
        return [f"{home}.{number}.conv.{3 * int(layer) + int(which)}.{tensor}" for home in homes]
    if layer := re.fullmatch(r"(weights|biases|slopes)\.(\d)", path):
        kind, number = layer[1], 2 * int(layer[2])
        tail = {"weights": f"{number}.weight", "biases": f"{number}.bias"}
        return [f"{home}.{tail.get(kind, f'{number + 1}.weight')}" for home in homes]
    if last := re.fullmatch(r"last\.(\d)\.(\w+)", path):
        home = homes[int(last[1])]
        return [f"{home}.{2 if home == 'fc_loc' else 4}.{last[2]}"]
    return [f"{home}.{path}" for home in homes]


def fill(network: Dpr, states: Mapping[str, tuple[str, State]]) -> None:
    """Put the original's tensors into a network.

    Args:
        network: to fill.
        states: of each of the `FILES` that it needs, what messages call it, and its tensors.

    Raises:
        WeightsError: if a tensor is missing, left over or of another shape.
    """
    ours, wanted = network.state_dict(), original_names(network)
    left = {name: (where, dict(state)) for name, (where, state) in states.items()}
    for key, names in wanted.items():
        where, state = left[_file_of(key)]
        if missing := [name for name in names if name not in state]:
            raise WeightsError(f"{where}: expected a tensor {missing[0]}, found none of that name")
        for part, name in enumerate(names):
            place = _place(key, ours[key], part, len(names))
            if (found := state.pop(name)).shape != place.shape:
                raise WeightsError(
                    f"{where}: {name}: expected the shape {tuple(place.shape)}, found "
                    f"{tuple(found.shape)}"
                )
            place.copy_(found)
    for where, state in left.values():
        if over := sorted(name for name in state if not name.endswith("num_batches_tracked")):
            raise WeightsError(f"{where}: expected no tensor beyond the network's, found {over[0]}")


def _file_of(key: str) -> str:
    home = key.partition(".")[0]
    return home if home.startswith("local") else f"global_{home}"


def _place(key: str, tensor: Tensor, part: int, parts: int) -> Tensor:
    """Where in a tensor of ours that of one of the parts' networks goes."""
    kind = key.split(".")[-2]
    if kind == "weights":
        return tensor[part]
    if kind in ("biases", "slopes"):
        return tensor[part, 0]
    return tensor.chunk(parts)[part]


def _found(folder: Path) -> tuple[str, dict[str, Path]]:
    """How many points the checkpoints below a folder are for, and the file of each network."""
    named = re.compile(rf"({'|'.join(SCHEMES)})_points_({'|'.join(FILES)})\.pth\.tar")
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.rglob("*_points_*.pth.tar")):
        if match := named.fullmatch(path.name):
            found.setdefault(match[1], {})[match[2]] = path
    whole = [count for count, files in found.items() if set(FILES[:2]) <= set(files)]
    if len(whole) != 1:
        raise WeightsError(
            f"{folder}: expected N_points_global_reinit.pth.tar and N_points_global_regress"
            f".pth.tar below it, of one N, found {'several' if whole else 'none'}"
        )
    return whole[0], found[whole[0]]


def _one(folder: Path, name: str) -> Path:
    paths = sorted(folder.rglob(name))
    if len(paths) != 1:
        raise WeightsError(f"{folder}: expected one {name} below it, found {len(paths)}")
    return paths[0]


def _read_mean(path: Path, count: int) -> Tensor:
    try:
        mean = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise WeightsError(f"{path}: damaged, or not an array of numbers ({error})") from None
    if mean.shape != (2 * count,) or not np.isfinite(mean).all():
        raise WeightsError(f"{path}: expected {2 * count} numbers, found {mean.shape}")
    return torch.tensor(mean.reshape(-1, 2), dtype=torch.float32)

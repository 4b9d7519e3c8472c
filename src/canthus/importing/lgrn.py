"""The checkpoints of L-GRN: which network they are of, and its tensors by our names.

No weights were published; these are what the published code writes as it trains.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from math import isqrt
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor

from canthus.errors import WeightsError
from canthus.importing.arrays import State, read_state
from canthus.importing.lgrn_names import COUNTER, DYNAMIC, NODES, STATIC, original_names
from canthus.importing.writing import write
from canthus.models import Lgrn, LgrnConfig, Network
from canthus.models.layers.graphs import Kind, graph_of
from canthus.models.lgrn import STRIDE, Backbone

PUBLISHED = LgrnConfig(output="published", conventions="published")
CROP_SCALE = 1.2  # of the square that the faces were cut out by
IDLE = "backbone.fc."  # a classifier that the original builds and never asks
EXPANSION = PUBLISHED.expansion
SCHEMES: Mapping[int, Literal["29", "68", "98"]] = {29: "29", 68: "68", 98: "98"}
# By how many channels a tensor has.
MOBILENETS: Mapping[int, Backbone] = {320: "mobilenet_a", 512: "mobilenet_b", 256: "mobilenet_c"}
HRNETS: Mapping[int, Backbone] = {18: "hrnet_w18", 32: "hrnet_w32"}


def convert(source: Path, target: Path, *, license: str) -> str:
    """Write a checkpoint as a weights file of ours, that runs as published.

    Args:
        source: the checkpoint, a `.pth.tar`.
        target: the `.safetensors` file to write.
        license: the terms that the weights came under.

    Returns:
        Which network it is and what was ignored, in words.

    Raises:
        WeightsError: if the file is missing or damaged, or is of another network.
        StorageError: if the target cannot be written.
    """
    config, tensors, ignored = read(source)
    network = Lgrn(config).eval()
    network.load_state_dict(dict(tensors), strict=False)
    write(
        cast(Network, network),
        config,
        target,
        scheme=config.scheme,
        crop_size=config.size,
        crop_scale=CROP_SCALE,
        license=license,
    )
    head = "fc" if config.head == "fc" else f"{config.nodes} nodes, {config.edges} edges"
    said = f"lgrn, {config.backbone}, {config.num_landmarks} landmarks, {head}"
    return f"{said}; ignored {', '.join(ignored)}" if ignored else said


def read(path: Path) -> tuple[LgrnConfig, State, list[str]]:
    """The network of a checkpoint, its tensors by our names, and the names that were ignored.

    Raises:
        WeightsError: if the file is damaged, or its tensors are of no such network.
    """
    theirs = {name: value for name, value in read_state(path).items() if COUNTER not in name}
    ignored = sorted(name for name in theirs if name.startswith(IDLE))
    theirs = {name: value for name, value in theirs.items() if name not in ignored}
    config = _config(theirs, path)
    with torch.device("meta"):
        network = Lgrn(config)
    return config, _renamed(network, theirs, path), ignored


def _config(theirs: State, path: Path) -> LgrnConfig:
    """Which network it is."""
    config = replace(PUBLISHED, backbone=_backbone(theirs, path))
    if "predictor.fc1.weight" in theirs:
        last = _tensor(theirs, "predictor.fc2.weight", path)
        with torch.device("meta"):
            channels = Lgrn(config).backbone.channels[-1]
        side = _side(theirs["predictor.fc1.weight"].shape[-1] / channels, path)
        return replace(config, head="fc", scheme=_scheme(len(last) / 2, path), size=side)
    return _graph_config(theirs, config, path)


def _graph_config(theirs: State, config: LgrnConfig, path: Path) -> LgrnConfig:
    """Which nodes, edges and sizes a head over a graph has."""
    dynamic = f"{DYNAMIC}relation_learner.fc.0.weight" in theirs
    first = f"{DYNAMIC}g_input.g_conv.W" if dynamic else f"{STATIC}gconv_input.0.gconv.W"
    transform = _tensor(theirs, first, path)
    multilevel = f"{NODES}conv34.0.weight" in theirs
    last = f"{NODES}conv_to_node.{'1.' if multilevel else ''}0.weight"
    drawn, node_width = _tensor(theirs, last, path).shape[:2]
    biased = f"{NODES}conv34.0.bias" in theirs
    block = "g_layers.{}.g_block1.g_conv.W" if dynamic else "gconv_layers.{}.gconv1.gconv.W"
    start = DYNAMIC if dynamic else STATIC
    blocks = next(i for i in count() if start + block.format(i) not in theirs)
    config = replace(
        config,
        scheme=_scheme(drawn / EXPANSION, path),
        nodes="multilevel-biased" if biased else "multilevel" if multilevel else "base",
        node_width=node_width,
        edges="dynamic" if dynamic else "static",
        width=transform.shape[-1],
        blocks=blocks,
        size=_side(transform.shape[-2] / EXPANSION, path),
    )
    if dynamic:
        told_by = theirs[f"{DYNAMIC}relation_learner.fc.0.weight"].shape[-1]
        config = replace(config, edges_from="nodes" if told_by == drawn else "map")
    last = f"{DYNAMIC}relation_learner.fc.3.bias" if dynamic else f"{STATIC}gconv_output.e"
    return replace(config, graph=_graph(config, _tensor(theirs, last, path).numel(), path))


def _graph(config: LgrnConfig, edges: int, path: Path) -> Kind:
    """The graph with so many edges."""
    kinds: tuple[Kind, ...] = ("published", "handmade")
    known = {len(graph_of(config.scheme, kind).edges): kind for kind in reversed(kinds)}
    if edges not in known:
        wanted = " or ".join(map(str, sorted(known)))
        raise WeightsError(
            f"{path}: expected {wanted} edges for {config.scheme} landmarks, found {edges}"
        )
    return known[edges]


def _backbone(theirs: State, path: Path) -> Backbone:
    if "backbone.layer4.0.conv.2.weight" in theirs:
        found = MOBILENETS.get(len(theirs["backbone.layer4.0.conv.2.weight"]))
    elif "backbone.transition1.0.0.weight" in theirs:
        found = HRNETS.get(len(theirs["backbone.transition1.0.0.weight"]))
    elif "backbone.layer4.0.conv2.weight" in theirs:
        found = "resnet34" if "backbone.layer3.5.conv1.weight" in theirs else "resnet18"
    else:
        found = None
    if found is None:
        raise WeightsError(
            f"{path}: expected a backbone of L-GRN: ResNet-18 or -34, a MobileNet or an HRNet; "
            f"found {', '.join(sorted(theirs)[:3])}"
        )
    return found


def _scheme(landmarks: float, path: Path) -> Literal["29", "68", "98"]:
    if landmarks not in SCHEMES:
        raise WeightsError(f"{path}: expected 29, 68 or 98 landmarks, found {landmarks:g}")
    return SCHEMES[int(landmarks)]


def _side(cells: float, path: Path) -> int:
    """The side of the crop whose last map has so many cells."""
    side = isqrt(int(cells))
    if side < 1 or side**2 != cells:
        raise WeightsError(f"{path}: expected a head for a square map, found {cells:g} cells")
    return STRIDE * side


def _tensor(theirs: State, name: str, path: Path) -> Tensor:
    if name not in theirs:
        raise WeightsError(f"{path}: expected a tensor {name}, found none of that name")
    return theirs[name]


def _renamed(network: Lgrn, theirs: State, path: Path) -> State:
    """Their tensors by our names; all of them, and no others."""
    left, ours = dict(theirs), network.state_dict()
    found: dict[str, Tensor] = {}
    for name, original in original_names(network).items():
        value = _tensor(left, original, path)
        del left[original]
        if original.endswith(".e"):  # one row there
            value = value.flatten()
        if value.shape != ours[name].shape:
            raise WeightsError(
                f"{path}: {original}: expected the shape {tuple(ours[name].shape)}, found "
                f"{tuple(value.shape)}"
            )
        found[name] = value.float()
    if left:
        raise WeightsError(f"{path}: expected no tensor beyond the network's, found {min(left)}")
    return found

"""L-GRN (Lin et al., IEEE TIP 2021): landmarks as the nodes of a graph that hear each other.

A network turns a crop into a small map, two convolutions that into a few channels for each
landmark, and graph convolutions these into places. Beside a loss of places there is one of places
relative to a landmark's neighbors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canthus.config import config
from canthus.faces import scheme_of
from canthus.models.base import AlignmentModel, Prediction, Target
from canthus.models.layers.ellipses import Ellipses
from canthus.models.layers.graph_layers import EdgeKind, GraphHead
from canthus.models.layers.graph_losses import (
    OF_EYES,
    SIDE,
    CoordinateLoss,
    coordinate_loss,
    relative_loss,
)
from canthus.models.layers.graphs import Graph, Kind, graph_of
from canthus.models.layers.hrnet import WIDTHS, HrNet
from canthus.models.layers.mobilenet import LeveledMobileNet
from canthus.models.layers.nodes import BaseNodes, MultiLevelNodes, flattened
from canthus.models.layers.precision import product
from canthus.models.layers.resnet import DEPTHS, LeveledResNet
from canthus.models.layers.scores import Scores

STRIDE = 32  # pixels of the crop in a cell of the last map
HIDDEN = 256  # units of the fully connected head
DOUBT = 0.02  # sides of the crop that landmarks may be off, before that is measured
LEAST = 1e-6 / 255  # of a channel's deviation: one of a single color stays finite
QUIET = 1e-3  # of the fresh weights of what is added to the mean face
MIDDLE, BREADTH = 0.45, 0.25  # of a channel in [0, 1], about

Backbone = Literal[
    "resnet18",
    "resnet34",
    "mobilenet_a",
    "mobilenet_b",
    "mobilenet_c",
    "hrnet_w18",
    "hrnet_w32",
]


@config
class LgrnConfig:
    """The backbone, how nodes are made and joined, and what is learned.

    Attributes:
        scheme: of the landmarks.
        backbone: without weights of other trainings.
        nodes: "base": of the last map. "multilevel": of the last three, joined by gates; a
            ResNet or mobilenet_b or _c. "multilevel-biased": the same in an older version.
        expansion: channels that are drawn for each landmark.
        node_width: channels before that.
        head: "graph", or "fc": two fully connected layers on the last map.
        edges: who hears whom. "self": nobody another, to see what the graph is good for.
            "static": by learned weights, as released. "dynamic": by weights that depend on the
            input. "attention", ours: everybody, with a learned advantage of the graph's edges.
        edges_from: what dynamic edges depend on: the backbone's last "map" (V1) or the "nodes"
            before they are flattened (V2).
        transposed: whether dynamic weights are shared out by those who are heard, as published.
        graph: "published", of correlations for 98 landmarks, drawn by hand for others;
            "handmade" for all; or "symmetric", ours: connected, and its own mirror image.
        width: channels of the graph convolutions.
        blocks: residual ones.
        heads: of "attention".
        size: side of the crop, in pixels; a multiple of 32. Others are brought to it.
        output: "published": places in pixels of the crop. "clean": how far from the mean face,
            in sides of the crop, with a bias for each landmark.
        conventions: of pixels. "published": blue first, and each channel of each crop with mean 0
            and deviation 1. "clean": red first, and the same shift and scale for all.
        fills: of the crop, by the longer side of the mean face: the inverse of the recipe's
            `crop.scale`.
        loss: of coordinates; the published one is "soft-wing".
        epsilon: of the wings: how steep they are.
        relative_weight: of the loss of relative locations; 0: none.
        relative: whose neighbors count in it: "published": those that the published graph's table
            lists, in its direction; "symmetric": all neighbors in `graph`.
    """

    family: Literal["lgrn"] = "lgrn"
    scheme: Literal["29", "68", "98"] = "98"
    backbone: Backbone = "resnet34"
    nodes: Literal["base", "multilevel", "multilevel-biased"] = "base"
    expansion: int = 4
    node_width: int = 256
    head: Literal["graph", "fc"] = "graph"
    edges: EdgeKind = "static"
    edges_from: Literal["map", "nodes"] = "nodes"
    transposed: bool = True
    graph: Kind = "published"
    width: int = 128
    blocks: int = 4
    heads: int = 4
    size: int = SIDE
    output: Literal["published", "clean"] = "clean"
    conventions: Literal["published", "clean"] = "clean"
    fills: float = 0.77
    loss: CoordinateLoss = "soft-wing"
    epsilon: float = 0.5
    relative_weight: float = 1.0
    relative: Literal["published", "symmetric"] = "published"

    def __post_init__(self) -> None:
        if self.size < STRIDE or self.size % STRIDE:
            raise ValueError(f"size: expected a multiple of {STRIDE}, found {self.size}")
        if self.nodes != "base" and self.backbone in ("mobilenet_a", *WIDTHS):
            raise ValueError(
                f"nodes {self.nodes}: expected a backbone with three maps, each half as large as "
                f"the one before: a ResNet, mobilenet_b or mobilenet_c, found {self.backbone}"
            )
        counts = (self.expansion, self.node_width, self.width, self.heads)
        if min(counts) < 1 or self.blocks < 0:
            raise ValueError(
                "expansion, node_width, width and heads: expected 1 or more, blocks 0 or more, "
                f"found {counts} and {self.blocks}"
            )
        if self.epsilon <= 0 or self.relative_weight < 0:
            raise ValueError(
                "epsilon: expected more than 0, relative_weight 0 or more, found "
                f"{self.epsilon} and {self.relative_weight}"
            )
        if not 0 < self.fills <= 1:
            raise ValueError(f"fills: expected more than 0 and at most 1, found {self.fills}")

    @property
    def num_landmarks(self) -> int:
        """How many points a face has."""
        return scheme_of(self.scheme).num_landmarks

    @property
    def granularity(self) -> int:
        """What a crop's side must be a multiple of."""
        return STRIDE


@dataclass(frozen=True, eq=False)
class Found:
    """What the network says of a batch of faces.

    Attributes:
        points: (B, L, 2), in pixels of the crops.
        size: side of the crops, in pixels.
    """

    points: Tensor
    size: int


class Lgrn(AlignmentModel[Found]):
    """A backbone, nodes out of its maps, and a graph that makes places of them."""

    mean: Tensor
    relation: Tensor

    def __init__(self, config: LgrnConfig) -> None:
        super().__init__()
        self.config = config
        count = config.num_landmarks
        self.graph = graph_of(config.scheme, config.graph)
        self.backbone = _backbone(config.backbone)
        cells = (config.size // STRIDE) ** 2
        if config.head == "fc":
            self.head: GraphHead | FcHead = FcHead(self.backbone.channels[-1] * cells, count)
        else:
            self.nodes = _nodes(config, self.backbone.channels)
            self.head = _graph_head(config, self.graph, self.backbone.channels[-1], cells)
        if config.output == "clean":
            self.bias = nn.Parameter(torch.zeros(2 * count))  # flat: it is not decayed
            nn.init.normal_(self.head.output.weight, std=QUIET)
            nn.init.zeros_(self.head.output.bias)
        self.register_buffer("mean", torch.full((count, 2), 0.5))
        self.register_buffer("relation", _relation(config), persistent=False)
        self.ellipses = Ellipses(count)
        self.scores = Scores(count)
        self.register_buffer("sideways", torch.zeros(1))

    @torch.no_grad()
    def prepare(self, mean_face: Tensor, fits: Tensor | None = None) -> None:
        low, high = mean_face.amin(dim=0), mean_face.amax(dim=0)
        share = self.config.fills / (high - low).max()
        self.mean.copy_(0.5 + share * (mean_face - (low + high) / 2))

    def forward(self, crops: Tensor) -> Found:
        size, side = self.config.size, crops.shape[-1]
        seen = crops.flip(1) if self.config.conventions == "published" else crops
        if side != size:
            seen = F.interpolate(seen, (size, size), mode="bilinear", antialias=True)
        said = self.said(self._normalized(seen))
        if self.config.output == "published":  # pixels of crops of the network's own size
            return Found((said + 0.5) * (side / size) - 0.5 if side != size else said, side)
        share = self.mean + self.bias.view(-1, 2) + said
        return Found(side * share - 0.5, side)

    def _normalized(self, crops: Tensor) -> Tensor:
        if self.config.conventions == "clean":
            return (crops - MIDDLE) / BREADTH
        apart = crops - _mean(crops)
        deviation = _mean(apart.square()).sqrt()
        return apart / torch.where(deviation < LEAST, 1.0 / 255, deviation)

    def said(self, pictures: Tensor) -> Tensor:
        """The head's own numbers, (B, L, 2), of normalized pictures of its own size."""
        maps: list[Tensor] = self.backbone(pictures)
        if isinstance(self.head, FcHead):
            return self.head(maps[-1])
        drawn = self.nodes(maps)
        told_by = maps[-1] if self.config.edges_from == "map" else drawn
        return self.head(flattened(drawn, self.config.num_landmarks), told_by)

    def loss(self, output: Found, target: Target) -> dict[str, Tensor]:
        config, pixels = self.config, SIDE / output.size
        known = target.known
        apart = pixels * torch.where(known[..., None] > 0, output.points - target.points, 0.0)
        eyes = self._between_eyes(target) * pixels if config.loss in OF_EYES else None
        blends_known = target.blends_known
        mixed = target.readout @ output.points - target.blends
        mixed = pixels * torch.where(blends_known[..., None] > 0, mixed, 0.0)
        terms = {
            "points": coordinate_loss(
                config.loss,
                torch.cat([apart, mixed], dim=1),
                torch.cat([known, blends_known], dim=1),
                epsilon=config.epsilon,
                between_eyes=eyes,
            )
        }
        if config.relative_weight:
            off = relative_loss(apart, known, self.relation, config.epsilon)
            terms["relative"] = config.relative_weight * off
        return terms

    def _between_eyes(self, target: Target) -> Tensor:
        """The distance between the outer corners, (B,); the whole face's size where not known."""
        (first,), (second,) = scheme_of(self.config.scheme).normalizers["inter_ocular"]
        both = target.known[:, first] * target.known[:, second] > 0
        length = (target.points[:, first] - target.points[:, second]).norm(dim=-1)
        return torch.where(both, length, target.size)

    def decode(self, output: Found) -> Prediction:
        doubt = torch.full_like(output.points, (DOUBT * output.size) ** 2).diag_embed()
        return self.calibrated(output.points, doubt)


class FcHead(nn.Module):
    """Two fully connected layers on a map (B, C, H, W), to (B, L, 2).

    Args:
        inputs: C H W.
        landmarks: how many.
    """

    def __init__(self, inputs: int, landmarks: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, HIDDEN)
        self.output = nn.Linear(HIDDEN, 2 * landmarks)

    def forward(self, found: Tensor) -> Tensor:
        hidden = F.relu(self.hidden(found.flatten(1))).to(self.output.weight.dtype)
        said = product(hidden, self.output.weight.T) + self.output.bias
        return said.reshape(said.shape[0], -1, 2)


def _mean(x: Tensor) -> Tensor:
    """Of each channel, (B, C, 1, 1); row by row, for long sums round in some runtimes."""
    return x.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)


def _backbone(name: Backbone) -> LeveledResNet | LeveledMobileNet | HrNet:
    if name in DEPTHS:
        return LeveledResNet(DEPTHS[name])
    return HrNet(WIDTHS[name]) if name in WIDTHS else LeveledMobileNet(name)


def _relation(config: LgrnConfig) -> Tensor:
    """The matrix (L, L) of relative locations."""
    both = config.relative == "symmetric"
    kind = config.graph if both or config.graph == "handmade" else "published"
    return torch.tensor(graph_of(config.scheme, kind).relative(both=both)).float()


def _nodes(config: LgrnConfig, channels: Sequence[int]) -> BaseNodes | MultiLevelNodes:
    drawn, width = config.expansion * config.num_landmarks, config.node_width
    if config.nodes == "base":
        return BaseNodes(channels, drawn, width=width)
    biased = config.nodes == "multilevel-biased"
    return MultiLevelNodes(channels, drawn, width=width, biased=biased)


def _graph_head(config: LgrnConfig, graph: Graph, channels: int, cells: int) -> GraphHead:
    drawn = config.expansion * config.num_landmarks
    return GraphHead(
        config.expansion * cells,
        width=config.width,
        blocks=config.blocks,
        kind=config.edges,
        graph=graph,
        heads=config.heads,
        told_by=channels if config.edges_from == "map" else drawn,
        transposed=config.transposed,
    )

"""L-GRN (Lin et al., IEEE TIP 2021): landmarks as the nodes of a graph that hear each other.

A network turns a crop into a small map, two convolutions that into a few channels for each
landmark, and graph convolutions these into places. Beside a loss of places there is one of places
relative to a landmark's neighbors. Ours lets each landmark look where a map of its own says that
it may be, and the graph say how far it is from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canthus.config import config
from canthus.faces import scheme_of
from canthus.models.base import AlignmentModel, Prediction, Target, framed
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
from canthus.models.layers.heatmap_losses import map_loss, wanted_maps
from canthus.models.layers.heatmaps import locate
from canthus.models.layers.hrnet import BRANCHES, HrNet
from canthus.models.layers.mobilenet import LeveledMobileNet
from canthus.models.layers.nodes import BaseNodes, MultiLevelNodes, PooledNodes, flattened
from canthus.models.layers.precision import product
from canthus.models.layers.resnet import DEPTHS, LeveledResNet
from canthus.models.layers.scores import Scores
from canthus.models.layers.trunk import QUARTER, Descent, Trunk

STRIDE = 32  # pixels of the crop in a cell of a published backbone's last map
HIDDEN = 256  # units of the fully connected head
DOUBT = 0.02  # sides of the crop that landmarks may be off, before that is measured
LEAST = 1e-6 / 255  # of a channel's deviation: one of a single color stays finite
QUIET = 1e-3  # of the fresh weights of what is added to the mean face
PLACE, GUESS = 2, 5  # numbers that a head says of a landmark: a place; and with a guess
SHUT = -3.0  # the logit of a fresh gate: a landmark is guessed by a twentieth
STEP = 0.1  # sides of the crop that a guess of 1 is from the mean face
MIDDLE, BREADTH = 0.45, 0.25  # of a channel in [0, 1], about
SIGMA = 1.0  # of the Gaussians that maps are to be, in cells

Backbone = Literal[
    "resnet18",
    "resnet34",
    "mobilenet_a",
    "mobilenet_b",
    "mobilenet_c",
    "hrnet_w18",
    "hrnet_w32",
    "slim",
]


@config
class LgrnConfig:
    """The backbone, how nodes are made and joined, and what is learned.

    Attributes:
        scheme: of the landmarks.
        backbone: without weights of other trainings. "slim", ours: the way down of an hourglass,
            and with "pooled" nodes the way up too.
        fine: channels of a slim backbone at each halving before its stem, for larger crops.
        stem: its channels at half of the crop's resolution, or less after those.
        widths: its channels at half of that, and at each halving after it.
        nodes: "base": of the last map. "multilevel": of the last three, joined by gates; a
            ResNet, mobilenet_b or _c, or slim. "multilevel-biased": the same in an older version.
            "pooled", ours, of a slim backbone alone: of what is seen where a landmark may be.
        expansion: channels that are drawn for each landmark.
        node_width: channels before that; of a pooled node.
        head: "graph", or "fc": two fully connected layers on the last map, or on pooled nodes.
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
            in sides of the crop, with a bias for each landmark; with pooled nodes how far from
            what their maps say.
        conventions: of pixels. "published": blue first, and each channel of each crop with mean 0
            and deviation 1. "clean": red first, and the same shift and scale for all.
        fills: of the crop, by the longer side of the mean face: the inverse of the recipe's
            `crop.scale`.
        loss: of coordinates; the published one is "soft-wing".
        epsilon: of the wings: how steep they are.
        relative_weight: of the loss of relative locations; 0: none.
        relative: whose neighbors count in it: "published": those that the published graph's table
            lists, in its direction; "symmetric": all neighbors in `graph`.
        guess: with pooled nodes: say of each landmark not only how far it is from what its map
            says, but also where it would be by the others, as seen from the mean face; and, by a
            gate, how much that counts.
        place_weight: of the loss of what the maps of pooled nodes say themselves.
        map_weight: of these maps' divergence from Gaussians of a cell.
    """

    family: Literal["lgrn"] = "lgrn"
    scheme: Literal["29", "68", "98"] = "98"
    backbone: Backbone = "resnet34"
    fine: tuple[int, ...] = ()
    stem: int = 32
    widths: tuple[int, ...] = (96, 128, 192, 256)
    nodes: Literal["base", "multilevel", "multilevel-biased", "pooled"] = "base"
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
    guess: bool = False
    place_weight: float = 0.5
    map_weight: float = 20.0

    def __post_init__(self) -> None:
        stride = self.granularity
        if self.size < stride or self.size % stride:
            raise ValueError(f"size: expected a multiple of {stride}, found {self.size}")
        self._check_nodes()
        counts = (self.expansion, self.node_width, self.width, self.heads)
        if min(counts) < 1 or self.blocks < 0:
            raise ValueError(
                "expansion, node_width, width and heads: expected 1 or more, blocks 0 or more, "
                f"found {counts} and {self.blocks}"
            )
        weights = (self.relative_weight, self.place_weight, self.map_weight)
        if self.epsilon <= 0 or min(weights) < 0:
            raise ValueError(
                "epsilon: expected more than 0, relative_weight, place_weight and map_weight 0 or "
                f"more, found {self.epsilon} and {weights}"
            )
        if not 0 < self.fills <= 1:
            raise ValueError(f"fills: expected more than 0 and at most 1, found {self.fills}")

    def _check_nodes(self) -> None:
        slim = self.backbone == "slim"
        if slim and (len(self.widths) < 2 or min(*self.fine, self.stem, *self.widths) < 2):
            raise ValueError(
                "fine, stem and widths: expected 2 channels or more and 2 widths or more, found "
                f"{list(self.fine)}, {self.stem} and {list(self.widths)}"
            )
        if self.fine and not slim:
            raise ValueError(f"fine: expected backbone slim, found {self.backbone}")
        if self.nodes == "pooled" and not (slim and self.output == "clean"):
            raise ValueError(
                "nodes pooled: expected backbone slim and output clean, found "
                f"{self.backbone} and {self.output}"
            )
        if self.guess and self.nodes != "pooled":
            raise ValueError(f"guess: expected nodes pooled, found {self.nodes}")
        halving = len(self.widths) > 2 if slim else self.backbone not in ("mobilenet_a", *BRANCHES)
        if self.nodes.startswith("multilevel") and not halving:
            raise ValueError(
                f"nodes {self.nodes}: expected a backbone with three maps, each half as large as "
                "the one before: a ResNet, mobilenet_b or mobilenet_c, or slim with three widths, "
                f"found {self.backbone}"
            )

    @property
    def num_landmarks(self) -> int:
        """How many points a face has."""
        return scheme_of(self.scheme).num_landmarks

    @property
    def outputs(self) -> int:
        """Numbers that the head says of each landmark."""
        return GUESS if self.guess else PLACE

    @property
    def granularity(self) -> int:
        """What a crop's side must be a multiple of."""
        if self.backbone != "slim":
            return STRIDE
        return QUARTER * 2 ** (len(self.fine) + len(self.widths) - 1)


@dataclass(frozen=True, eq=False)
class Found:
    """What the network says of a batch of faces.

    Attributes:
        points: (B, L, 2), in pixels of the crops.
        size: side of the crops, in pixels.
        maps: of pooled nodes, (B, L, N, N): logits of where landmarks are; None without them.
        places: what the maps themselves say, (B, L, 2), in pixels of the crops; None likewise.
        covariance: of the maps, (B, L, 2, 2), in such pixels squared; None likewise.
    """

    points: Tensor
    size: int
    maps: Tensor | None = None
    places: Tensor | None = None
    covariance: Tensor | None = None


class Lgrn(AlignmentModel[Found]):
    """A backbone, nodes out of its maps, and a graph that makes places of them."""

    mean: Tensor
    relation: Tensor

    def __init__(self, config: LgrnConfig) -> None:
        super().__init__()
        self.config = config
        count = config.num_landmarks
        self.graph = graph_of(config.scheme, config.graph)
        self.backbone = _backbone(config)
        last, cells = self.backbone.channels[-1], (config.size // config.granularity) ** 2
        inputs, flat = config.expansion * cells, last * cells
        if isinstance(self.backbone, Trunk):
            self.pooled = PooledNodes(config.widths[0], count, width=config.node_width)
            inputs, flat = config.node_width, count * config.node_width
        elif config.head == "graph":
            self.nodes = _nodes(config, self.backbone.channels)
        self.head: GraphHead | FcHead
        if config.head == "graph":
            self.head = _graph_head(config, self.graph, inputs, last)
        else:
            self.head = FcHead(flat, count, config.outputs)
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
        self.mean.copy_(framed(mean_face, self.config.fills))

    def forward(self, crops: Tensor) -> Found:
        size, side = self.config.size, crops.shape[-1]
        seen = crops.flip(1) if self.config.conventions == "published" else crops
        if side != size:
            seen = F.interpolate(seen, (size, size), mode="bilinear", antialias=True)
        if isinstance(self.backbone, Trunk):
            return self._pooled(self.backbone, seen, side)
        said = self.said(self._normalized(seen))
        if self.config.output == "published":  # pixels of crops of the network's own size
            return Found((said + 0.5) * (side / size) - 0.5 if side != size else said, side)
        share = self.mean + self.bias.view(-1, 2) + said
        return Found(side * share - 0.5, side)

    def _pooled(self, trunk: Trunk, crops: Tensor, side: int) -> Found:
        """What is found of crops of the network's own size, in pixels of crops of another side."""
        kept, features = trunk.whole(crops)
        maps = trunk.draw(features, 0)
        stride = side / maps.shape[-1]
        places, covariance = locate(maps, stride)
        off = (places + 0.5) / side - self.mean
        nodes = self.pooled(features, maps, off, covariance / stride**2)
        if isinstance(self.head, FcHead):
            said = self.head(nodes)
        else:
            told_by = kept[-1] if self.config.edges_from == "map" else nodes.mT[..., None]
            said = self.head(nodes, told_by)
        points = places + side * (self.bias.view(-1, 2) + said[..., :PLACE])
        if self.config.guess:
            gate = torch.sigmoid(said[..., GUESS - 1 :] + SHUT)
            guess = side * (self.mean + STEP * said[..., PLACE : GUESS - 1]) - 0.5
            points = points + gate * (guess - places)
        return Found(points, side, maps, places, covariance)

    def _normalized(self, crops: Tensor) -> Tensor:
        if isinstance(self.backbone, Descent):
            return crops  # scales them itself
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
        config = self.config
        terms = {"points": self._coordinates(output.points, output.size, target)}
        if config.relative_weight:
            known = target.known
            apart = torch.where(known[..., None] > 0, output.points - target.points, 0.0)
            pixels = SIDE / output.size
            off = relative_loss(pixels * apart, known, self.relation, config.epsilon)
            terms["relative"] = config.relative_weight * off
        if output.maps is not None and output.places is not None:
            cells = output.maps.shape[-1]
            wanted = wanted_maps(
                "kl",
                "continuous",
                target.points,
                cells,
                stride=output.size / cells,
                sigma=SIGMA,
                by_mean=True,
            )
            off = map_loss("kl", output.maps, wanted, target.known)
            terms["maps"] = config.map_weight * off
            off = self._coordinates(output.places, output.size, target)
            terms["places"] = config.place_weight * off
        return terms

    def _coordinates(self, points: Tensor, size: int, target: Target) -> Tensor:
        """The loss of points (B, L, 2), and of the blends that they make."""
        config, pixels = self.config, SIDE / size
        known = torch.cat([target.known, target.blends_known], dim=1)
        blends = target.readout @ points
        apart = torch.cat([points - target.points, blends - target.blends], dim=1)
        return coordinate_loss(
            config.loss,
            pixels * torch.where(known[..., None] > 0, apart, 0.0),
            known,
            epsilon=config.epsilon,
            between_eyes=self._between_eyes(target) * pixels if config.loss in OF_EYES else None,
        )

    def _between_eyes(self, target: Target) -> Tensor:
        """The distance between the outer corners, (B,); the whole face's size where not known."""
        (first,), (second,) = scheme_of(self.config.scheme).normalizers["inter_ocular"]
        both = target.known[:, first] * target.known[:, second] > 0
        length = (target.points[:, first] - target.points[:, second]).norm(dim=-1)
        return torch.where(both, length, target.size)

    def decode(self, output: Found) -> Prediction:
        doubt = output.covariance
        if doubt is None:
            doubt = torch.full_like(output.points, (DOUBT * output.size) ** 2).diag_embed()
        return self.calibrated(output.points, doubt)


class FcHead(nn.Module):
    """Two fully connected layers on a map (B, C, H, W) or nodes (B, L, C), to (B, L, outputs).

    Args:
        inputs: C H W, or L C.
        landmarks: how many.
        outputs: numbers of each.
    """

    def __init__(self, inputs: int, landmarks: int, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.hidden = nn.Linear(inputs, HIDDEN)
        self.output = nn.Linear(HIDDEN, outputs * landmarks)

    def forward(self, found: Tensor) -> Tensor:
        hidden = F.relu(self.hidden(found.flatten(1))).to(self.output.weight.dtype)
        said = product(hidden, self.output.weight.T) + self.output.bias
        return said.reshape(said.shape[0], -1, self.outputs)


def _mean(x: Tensor) -> Tensor:
    """Of each channel, (B, C, 1, 1); row by row, for long sums round in some runtimes."""
    return x.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)


def _backbone(config: LgrnConfig) -> LeveledResNet | LeveledMobileNet | HrNet | Descent | Trunk:
    name = config.backbone
    if config.nodes == "pooled":
        maps = config.num_landmarks
        return Trunk(config.stem, config.widths, maps, 1, QUARTER, config.fine)
    if name == "slim":
        return Descent(config.stem, config.widths, config.fine)
    if name in DEPTHS:
        return LeveledResNet(DEPTHS[name])
    return HrNet(BRANCHES[name]) if name in BRANCHES else LeveledMobileNet(name)


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


def _graph_head(config: LgrnConfig, graph: Graph, inputs: int, told_by: int) -> GraphHead:
    """The head of nodes with so many channels, and its edges by a map of others."""
    drawn = config.expansion * config.num_landmarks
    by_nodes = config.node_width if config.nodes == "pooled" else drawn
    return GraphHead(
        inputs,
        width=config.width,
        blocks=config.blocks,
        kind=config.edges,
        graph=graph,
        heads=config.heads,
        told_by=told_by if config.edges_from == "map" else by_nodes,
        transposed=config.transposed,
        outputs=config.outputs,
    )

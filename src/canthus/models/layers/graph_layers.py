"""Convolutions over a graph of landmarks, and the head that is made of them (L-GRN, TIP 2021).

Nodes are (B, L, C). A landmark hears itself through one matrix and its neighbors through another:
Y = D X W0 + O X W1 + b, where D + O = A says who hears whom, and D is its diagonal.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canthus.models.layers.graphs import Graph
from canthus.models.layers.precision import product

EdgeKind = Literal["self", "static", "dynamic", "attention"]

GAIN = 1.414  # of the published weights, at first
PER_HEAD = 16  # channels in which two nodes are compared


class Adjacency(nn.Module):
    """From logits of a graph's edges to weights: a softmax over each row, 0 where no edge is.

    Args:
        graph: whose edges; row by row, as `Graph.edges`.
        transposed: let each node's weights be those with which it is heard, and not those with
            which it hears: as published where edges depend on the input.
    """

    place: Tensor

    def __init__(self, graph: Graph, *, transposed: bool = False) -> None:
        super().__init__()
        pairs = torch.from_numpy(graph.edges)
        self.count = len(pairs)
        self.transposed = transposed
        place = torch.full((graph.num_landmarks,) * 2, self.count)
        place[pairs[:, 0], pairs[:, 1]] = torch.arange(self.count)
        self.register_buffer("place", place, persistent=False)

    def laid_out(self, logits: Tensor, beyond: float) -> Tensor:
        """Logits (..., E) where their edges are, (..., L, L); another number elsewhere."""
        padded = F.pad(logits, (0, 1), value=beyond)
        taken = padded.index_select(-1, self.place.flatten())
        return taken.reshape(*logits.shape[:-1], *self.place.shape)

    def forward(self, logits: Tensor) -> Tensor:
        """Weights (..., L, L) of logits (..., E); at full precision inside."""
        weights = softmax(self.laid_out(logits, -math.inf))
        return weights.mT if self.transposed else weights


def softmax(logits: Tensor) -> Tensor:
    """Over the last dimension; never at half precision, where it would round."""
    wide = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    return torch.softmax(wide, dim=-1)


class GraphConv(nn.Module):
    """One convolution over the nodes; (B, L, inputs) to (B, L, outputs).

    Args:
        inputs: channels.
        outputs: the same.
        kind: who hears whom. "self": nobody hears another. "static": by logits that are learned,
            the same for all inputs. "dynamic": as the input says, by weights that are given.
            "attention": everybody, by how alike two nodes are in several ways; the graph's edges
            have a learned advantage.
        graph: of the nodes.
        heads: ways in which nodes are alike; 1 where outputs cannot be shared out evenly.
    """

    own: Tensor

    def __init__(
        self, inputs: int, outputs: int, *, kind: EdgeKind, graph: Graph, heads: int = 4
    ) -> None:
        super().__init__()
        self.kind = kind
        self.heads = heads if outputs % heads == 0 else 1
        self.adjacency = Adjacency(graph)
        transforms = 1 if kind == "self" else 2
        self.weight = nn.Parameter(torch.empty(transforms, inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))
        # Flat, for what has one dimension is not decayed: decay would make all weights alike.
        if kind == "static":
            self.edges = nn.Parameter(torch.ones(self.adjacency.count))
        if kind == "attention":
            self.edges = nn.Parameter(torch.ones(self.heads * self.adjacency.count))
            self.compare = nn.Parameter(torch.empty(2, inputs, self.heads * PER_HEAD))
            nn.init.normal_(self.compare, std=inputs**-0.5)
        eye = torch.eye(graph.num_landmarks)
        self.register_buffer("own", eye, persistent=False)
        nn.init.xavier_uniform_(self.weight, gain=GAIN)  # by fans of all three dimensions
        nn.init.uniform_(self.bias, -(outputs**-0.5), outputs**-0.5)

    def heard(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """Who hears whom, (L, L), (B, L, L) or, with attention, (B, heads, L, L).

        Args:
            x: nodes.
            given: the weights of "dynamic".
        """
        if self.kind == "static":
            return self.adjacency(self.edges)
        if self.kind == "attention":
            _, _, asks, tells = self._products(x)
            return self._attention(asks, tells)
        if given is None:
            raise ValueError("edges: expected weights of edges that depend on the input")
        return given

    def forward(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        x = x.to(self.weight.dtype)
        if self.kind == "self":
            return product(x, self.weight[0]) + self.bias
        if self.kind == "attention":
            own, others, asks, tells = self._products(x)
            weights = self._attention(asks, tells).to(x.dtype)
            said = product(weights, self._apart(others)).transpose(1, 2).flatten(2)
            return own + said + self.bias
        own, others = (product(x, each) for each in self.weight)
        weights = self.heard(x, given).to(x.dtype)
        diagonal = (weights * self.own).sum(dim=-1)[..., None]
        return diagonal * own + product(weights * (1 - self.own), others) + self.bias

    def _products(self, x: Tensor) -> tuple[Tensor, ...]:
        """What nodes say to themselves and to others, ask and tell; at once, which is faster."""
        asking, telling = self.compare
        matrices = [*self.weight, PER_HEAD**-0.5 * asking, telling]
        widths = [each.shape[1] for each in matrices]
        return torch.split(product(x, torch.cat(matrices, dim=1)), widths, dim=-1)

    def _attention(self, asks: Tensor, tells: Tensor) -> Tensor:
        near = self.adjacency.laid_out(self.edges.view(self.heads, -1), 0.0)
        return softmax(product(self._apart(asks), self._apart(tells).mT) + near)

    def _apart(self, x: Tensor) -> Tensor:
        """Channels shared out to the heads: (B, L, C) to (B, heads, L, C / heads)."""
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


class GraphConvNorm(nn.Module):
    """A convolution over the nodes, batch norm over faces and nodes, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, *, kind: EdgeKind, graph: Graph, heads: int
    ) -> None:
        super().__init__()
        self.conv = GraphConv(inputs, outputs, kind=kind, graph=graph, heads=heads)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        found: Tensor = self.conv(x, given)
        return F.relu(self.norm(found.flatten(0, 1))).view(found.shape)


class GraphBlock(nn.Module):
    """Two convolutions plus the input; no ReLU after that."""

    def __init__(self, width: int, *, kind: EdgeKind, graph: Graph, heads: int) -> None:
        super().__init__()
        self.first = GraphConvNorm(width, width, kind=kind, graph=graph, heads=heads)
        self.second = GraphConvNorm(width, width, kind=kind, graph=graph, heads=heads)

    def forward(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        return x + self.second(self.first(x, given), given)


class EdgeLogits(nn.Module):
    """Logits (B, E) of a graph's edges by what is in a map (B, C, H, W)."""

    def __init__(self, channels: int, edges: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(channels, channels // 2)
        self.norm = nn.BatchNorm1d(channels // 2)
        self.output = nn.Linear(channels // 2, edges)

    def forward(self, found: Tensor) -> Tensor:
        pooled = found.mean(dim=(2, 3))
        return self.output(self.norm(F.relu(self.hidden(pooled))))


class GraphHead(nn.Module):
    """Nodes (B, L, inputs) to numbers of each, (B, L, outputs): in, residual blocks, out.

    Args:
        inputs: channels of a node.
        width: channels inside.
        blocks: how many.
        kind: as `GraphConv`.
        graph: of the nodes.
        heads: as `GraphConv`.
        told_by: channels of the map that "dynamic" edges depend on.
        transposed: as `Adjacency`, of "dynamic" edges.
        outputs: numbers of each node.
    """

    def __init__(
        self,
        inputs: int,
        *,
        width: int,
        blocks: int,
        kind: EdgeKind,
        graph: Graph,
        heads: int = 4,
        told_by: int = 0,
        transposed: bool = True,
        outputs: int = 2,
    ) -> None:
        super().__init__()
        self.relation: EdgeLogits | None = None
        if kind == "dynamic":
            self.adjacency = Adjacency(graph, transposed=transposed)
            self.relation = EdgeLogits(told_by, self.adjacency.count)
        self.input = GraphConvNorm(inputs, width, kind=kind, graph=graph, heads=heads)
        self.blocks = nn.ModuleList(
            GraphBlock(width, kind=kind, graph=graph, heads=heads) for _ in range(blocks)
        )
        self.output = GraphConv(width, outputs, kind=kind, graph=graph, heads=heads)

    def forward(self, nodes: Tensor, told_by: Tensor | None = None) -> Tensor:
        """From nodes and, where edges depend on the input, the map that says how."""
        given = None
        if self.relation is not None:
            if told_by is None:
                raise ValueError("edges: expected a map that dynamic edges depend on, found none")
            given = self.adjacency(self.relation(told_by))
        x = self.input(nodes, given)
        for block in self.blocks:
            x = block(x, given)
        return self.output(x, given)


@torch.no_grad()
def heard_by_layers(network: nn.Module, *given: Tensor) -> list[Tensor]:
    """Who hears whom in each graph convolution of a network, from the first to the last.

    Args:
        network: or a part of one. Its convolutions in which nobody hears another are left out.
        given: what it is called with: crops, or nodes.

    Returns:
        What `GraphConv.heard` says of each.
    """
    said: list[Tensor] = []
    convolutions = [each for each in network.modules() if isinstance(each, GraphConv)]
    hooks = [
        each.register_forward_pre_hook(lambda conv, called: said.append(conv.heard(*called)))
        for each in convolutions
        if each.kind != "self"
    ]
    try:
        network(*given)
    finally:
        for hook in hooks:
            hook.remove()
    return said

"""Who hears whom in an L-GRN: python THIS WEIGHTS.safetensors OUT.png [RECIPE DATA].

Draws the graph on the network's mean face, what its landmarks hear most, and what a few of them
hear; weights that depend on the face are averaged over the faces that the training of RECIPE kept
apart, or over drawn ones. Prints where the weights of each layer go.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor

from canthus.datasets import synthetic
from canthus.evaluation.charts import COLORS
from canthus.evaluation.svg import INK, house_style
from canthus.faces import scheme_of
from canthus.geometry import Box, Similarity
from canthus.images import warp
from canthus.models import Lgrn
from canthus.models.layers.graph_layers import heard_by_layers
from canthus.runtime import Manifest
from canthus.runtime.backend import TorchBackend
from canthus.training import read_recipe
from canthus.training.loop import divided
from canthus.training.sets import read_sets

PAIRS = 250  # drawn of all, at most
DRAWN = 64  # faces without a recipe
WIDEST = 3.6  # points: the line of the pair that hears each other most
LARGEST = 90.0  # square points: the dot of who is heard most
PALE = 0.1  # opacity of what is not heard
DPI = 130
EDGE, OTHER, FAINT = COLORS[0], COLORS[1], "#d3d6dc"
NAMES = ("right eye's outer corner", "nose tip", "left mouth corner", "chin")
ASKED = {"29": (8, 20, 23, 28), "68": (36, 30, 54, 8), "98": (60, 54, 82, 16)}

Floats = NDArray[np.float64]


def main() -> None:
    """Draw the picture, and print a line for each layer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, metavar="WEIGHTS.safetensors")
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument("recipe", type=Path, nargs="?", metavar="RECIPE")
    parser.add_argument("data", type=Path, nargs="?", metavar="DATA")
    asked = parser.parse_args()
    if asked.recipe is not None and asked.data is None:
        parser.error("RECIPE: expected DATA after it, the folder of its data sets")
    torch.set_num_threads(1)
    manifest, backend = TorchBackend.open(asked.weights)
    network = opened(backend.model, asked.weights)
    crops = drawn(manifest) if asked.recipe is None else kept_apart(asked.recipe, asked.data)
    layers, faces = heard(network, crops)
    print_shares(network, layers)
    kind = "drawn faces" if asked.recipe is None else "faces kept apart from training"
    said = f"{faces} {kind}" if network.config.edges != "static" else "learned, for all faces alike"
    with house_style():
        picture(network, layers, said).savefig(asked.out, dpi=DPI, facecolor="white")


def opened(network: object, path: Path) -> Lgrn:
    """The network, if it can be drawn."""
    if not isinstance(network, Lgrn):
        raise SystemExit(f"{path}: expected an L-GRN, found {type(network).__name__}")
    if network.config.head != "graph" or network.config.edges == "self":
        raise SystemExit(f"{path}: expected landmarks that hear each other, found none")
    if not network.mean.std() > 0:
        raise SystemExit(f"{path}: expected a mean face, found one point; train it here first")
    return network


def drawn(manifest: Manifest) -> Iterator[Tensor]:
    """The crop of each of some drawn faces, (1, 3, S, S)."""
    generator = np.random.default_rng(0)
    for _ in range(DRAWN):
        face = synthetic.draw(generator)
        around = Box.around(face.landmarks.points).squared().scaled(manifest.crop_scale)
        similarity = Similarity.crop(around, manifest.crop_size)
        crop = warp.crop(face.image, similarity, manifest.crop_size)
        yield torch.from_numpy(crop.transpose(2, 0, 1)[None] / np.float32(255))


def kept_apart(recipe: Path, data: Path) -> Iterator[Tensor]:
    """The crops that a training did not learn from, (B, 3, S, S)."""
    read = read_recipe(recipe)
    _, held_out = divided(read_sets(read, data), read)
    yield from (batch.crops for batch in held_out.batches())


def heard(network: Lgrn, batches: Iterable[Tensor]) -> tuple[Floats, int]:
    """Each layer's mean weights (N, L, L) over faces and heads, and the number of faces."""
    totals, faces = 0.0, 0
    for crops in batches:
        said = heard_by_layers(network, crops)
        means = [each.reshape(-1, *each.shape[-2:]).double().mean(dim=0) for each in said]
        totals = totals + len(crops) * torch.stack(means).numpy()
        faces += len(crops)
    if not faces:
        raise SystemExit("expected faces that the training kept apart, found none")
    return np.asarray(totals) / faces, faces


def print_shares(network: Lgrn, layers: Floats) -> None:
    """Print which part of the weights goes where; a mirror partner may be a neighbor too.

    "At first" is a fresh layer whose nodes are alike.
    """
    count = network.graph.num_landmarks
    itself = np.eye(count, dtype=bool)
    edges = network.graph.pattern & ~itself
    partner = itself[list(scheme_of(network.config.scheme).mirror)] & ~itself
    places = {"edges": edges, "partner": partner, "itself": itself}
    places["elsewhere"] = ~(edges | partner | itself)
    hears = edges | itself
    first = np.where(hears, np.e, float(network.config.edges == "attention"))
    rows = {f"layer {number}": each for number, each in enumerate(layers, 1)}
    rows |= {"all": layers.mean(axis=0), "at first": first / first.sum(axis=1, keepdims=True)}
    print(f"{'%':8}", *(f"{name:>9}" for name in places))
    for name, weights in rows.items():
        shares = (100 * weights[place].sum() / weights.sum() for place in places.values())
        print(f"{name:8}", *(f"{share:9.1f}" for share in shares))
    ears = 100 * np.where(itself, 0, rows["all"]).sum(axis=0) / (count - 1)
    most = (f"{index} ({ears[index]:.1f} %)" for index in np.argsort(ears)[:-4:-1])
    print("heard most by others:", *most)


def picture(network: Lgrn, layers: Floats, said: str) -> Figure:
    """The three panels.

    Args:
        network: of whose graph and mean face.
        layers: each one's weights, (N, L, L).
        said: over which faces they are means.
    """
    weights = layers.mean(axis=0)
    figure = Figure(figsize=(14, 5.8), layout="constrained")
    panels, key = figure.subfigures(2, 1, height_ratios=(8, 1))
    left, right = panels.subfigures(1, 2, width_ratios=(1.9, 1), wspace=0.03)
    graph, most = left.subplots(1, 2)
    neighbors = np.argwhere(np.triu(network.graph.pattern, 1))
    draw_face(graph, network, INK)
    draw_lines(graph, network, neighbors, np.full(len(neighbors), 0.4))
    graph.set_title(f"1. The graph: {len(neighbors)} pairs of neighbors")
    both = np.triu((weights + weights.T) / 2, 1)
    order = np.argsort(both, axis=None)[::-1][: min(PAIRS, np.count_nonzero(both))]
    pairs = np.stack(np.unravel_index(order[::-1], both.shape), axis=1)  # the strongest on top
    highest = both.max()
    draw_face(most, network)
    draw_lines(most, network, pairs, both[pairs[:, 0], pairs[:, 1]] / highest)
    most.set_title(f"2. The {len(pairs)} pairs that hear each other most")
    draw_key(key, highest, draw_asked(right, network, weights))
    told = f"Weights: {network.config.edges}, mean of {len(layers)} layers; {said}."
    key.text(0.5, 0.2, f"{told} Right and left are the subject's own.", ha="center", fontsize=10)
    return figure


def draw_face(axes: Axes, network: Lgrn, color: str = "#9aa0aa") -> None:
    """The mean face: its landmarks, and faintly the lines of its scheme."""
    mean = network.mean.numpy()
    axes.set_axis_off()
    axes.set_aspect("equal")
    edges = mean[np.array(scheme_of(network.config.scheme).edges)]
    axes.add_collection(LineCollection(list(edges), colors=FAINT, linewidths=0.8, zorder=1))
    axes.scatter(*mean.T, s=7, c=color, linewidths=0, zorder=3)
    axes.invert_yaxis()


def draw_lines(axes: Axes, network: Lgrn, pairs: NDArray[np.int64], strength: Floats) -> None:
    """Lines between pairs (P, 2), wider and darker by strengths (P,) of up to 1."""
    pattern = network.graph.pattern[pairs[:, 0], pairs[:, 1]]
    axes.add_collection(
        LineCollection(
            list(network.mean.numpy()[pairs]),
            colors=np.where(pattern, EDGE, OTHER).tolist(),
            linewidths=WIDEST * strength,
            alpha=PALE + (1 - PALE) * strength,
            capstyle="round",
            zorder=2,
        )
    )


def draw_asked(figure: SubFigure, network: Lgrn, weights: Floats) -> float:
    """Of a few landmarks whom they hear: a face each. The weight of the largest dot."""
    figure.suptitle("3. Whom one landmark, ringed, hears", fontsize=13)
    asked = ASKED[network.config.scheme]
    others = weights * (1 - np.eye(len(weights)))
    highest = float(others[list(asked)].max())
    for axes, name, index in zip(figure.subplots(2, 2).flat, NAMES, asked, strict=True):
        draw_face(axes, network)
        draw_dots(axes, network, index, others[index] / highest)
        axes.set_title(f"{name}\n(itself: {100 * weights[index, index]:.1f} %)", fontsize=10)
    return highest


def draw_dots(axes: Axes, network: Lgrn, asked: int, strength: Floats) -> None:
    """A dot for each landmark that one hears, larger and darker by strengths (L,) of up to 1."""
    mean = network.mean.numpy()
    colors = np.where(network.graph.pattern[asked], EDGE, OTHER).tolist()
    dots = {"c": colors, "alpha": PALE + (1 - PALE) * strength, "linewidths": 0, "zorder": 4}
    axes.scatter(*mean.T, s=LARGEST * strength, **dots)
    axes.scatter(*mean[asked], s=80, fc="none", ec=INK, lw=1.8, zorder=5)


def draw_key(figure: SubFigure, line: float, dot: float) -> None:
    """What colors mean, and the weights of the widest line and the largest dot and of a third."""
    handles = [
        Line2D([], [], color=color, lw=2.5, label=label)
        for color, label in ((EDGE, "neighbors in the graph"), (OTHER, "others"))
    ]
    for name, highest in (("line", line), ("dot", dot)):
        for share in (1, 1 / 3):
            look = {"color": INK, "alpha": PALE + (1 - PALE) * share, "lw": WIDEST * share}
            if name == "dot":
                look |= {"lw": 0, "marker": "o", "ms": (LARGEST * share) ** 0.5, "mew": 0}
            handles.append(Line2D([], [], label=f"weight {100 * share * highest:.1f} %", **look))
    figure.legend(handles=handles, loc="upper center", ncols=len(handles), fontsize=10)


if __name__ == "__main__":
    main()

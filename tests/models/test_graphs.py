"""Graphs of landmarks: the published ones, and ours."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.faces import scheme_of
from canthus.models.layers.graphs import Graph, Kind, graph_of

SCHEMES = ("29", "68", "98")


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "parity" / "lgrn" / "graph"


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_the_graph_of_98_landmarks_is_the_published_one(fixtures: Path) -> None:
    stored, graph = read(fixtures / "graph98_top3.json"), graph_of("98", "published")
    lines = [line.split() for line in (fixtures / "98pts_top3.txt").read_text().splitlines()]
    pattern = graph.pattern

    assert graph.num_landmarks == stored["num_points"]
    assert list(graph.lines) == [(int(i), int(j)) for i, j, _ in lines]
    for i in range(98):
        listed = [pair[0] for pair in stored["directed_top3"][str(i)]]
        assert sorted(np.flatnonzero(graph.directed[i])) == sorted(listed)
        near = stored["symmetric_neighbours_with_self"][str(i)]
        assert np.flatnonzero(pattern[i]).tolist() == near
    assert graph.edges.tolist() == stored["edge_index_row_major"]
    assert len(graph.edges) == stored["num_nonzero_with_self"]
    assert graph.components == stored["connected_components"]
    degrees = stored["degree_without_self"]
    degrees = list(degrees.values()) if isinstance(degrees, dict) else degrees
    assert (pattern.sum(axis=1) - 1).tolist() == degrees


@pytest.mark.parametrize(("scheme", "count"), [("98", 145), ("68", 99), ("29", 52)])
def test_graphs_drawn_by_hand_are_the_published_ones(
    fixtures: Path, scheme: str, count: int
) -> None:
    stored = read(fixtures / "graphs_handmade_98_68_29.json")[f"{scheme}pts"]
    graph = graph_of(scheme, "handmade")

    assert graph.num_landmarks == stored["num_points"]
    assert list(graph.lines) == [(i, j) for i, j, _ in stored["edges"]]
    assert len(graph.lines) == count


@pytest.mark.parametrize("scheme", ["98", "68"])
def test_relative_matrices_are_the_published_ones(fixtures: Path, scheme: str) -> None:
    stored = np.load(fixtures / "relative_matrices.npz")[f"R{scheme}"]

    found = graph_of(scheme, "published").relative(both=False)

    np.testing.assert_allclose(found, stored, atol=1e-6)


@pytest.mark.parametrize(("scheme", "alone"), [("68", 3), ("29", 2), ("98", 0)])
def test_a_landmark_without_a_listed_line_stands_for_itself(scheme: str, alone: int) -> None:
    graph = graph_of(scheme, "published")
    directed, both = graph.relative(both=False), graph.relative(both=True)

    assert (np.abs(directed).sum(axis=1) == 1).sum() == alone
    np.testing.assert_allclose(both.sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_mirrors_are_the_published_flips(fixtures: Path, scheme: str) -> None:
    stored = read(fixtures / "flip_pairs.json")[scheme]
    mirror = scheme_of(scheme).mirror

    assert list(mirror) == stored["permutation"]
    pairs = {tuple(sorted(pair)) for pair in stored["pairs"]}
    assert pairs == {(i, j) for i, j in enumerate(mirror) if i < j}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_symmetric_graph_is_connected_and_its_own_mirror_image(scheme: str) -> None:
    graph, mirror = graph_of(scheme, "symmetric"), list(scheme_of(scheme).mirror)

    assert len(graph.components) == 1
    assert (graph.pattern[mirror][:, mirror] == graph.pattern).all()
    assert (graph.pattern == graph.pattern.T).all()
    assert (graph.directed | np.eye(graph.num_landmarks, dtype=bool) == graph.pattern).all()
    assert graph.pattern.sum(axis=1).max() <= 9


@pytest.mark.parametrize("scheme", SCHEMES)
def test_messages_cross_a_symmetric_graph_within_the_heads_depth(scheme: str) -> None:
    near = graph_of(scheme, "symmetric").pattern.astype(int)

    assert (np.linalg.matrix_power(near, 10) > 0).all()


@pytest.mark.parametrize("kind", ["published", "handmade", "symmetric"])
def test_a_scheme_without_a_graph_is_refused(kind: Kind) -> None:
    with pytest.raises(ValueError, match="expected one of 98, 68, 29 for a graph, found 106jd"):
        graph_of("106jd", kind)


def test_a_small_graph_by_hand() -> None:
    graph = Graph(3, ((0, 1), (0, 2)))

    assert graph.edges.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [2, 0], [2, 2]]
    assert graph.relative(both=False).tolist() == [[-1, 0.5, 0.5], [0, -1, 0], [0, 0, -1]]
    assert graph.relative(both=True).tolist() == [[-1, 0.5, 0.5], [1, -1, 0], [1, 0, -1]]

"""Which landmarks are neighbors: the published graphs of L-GRN, and connected, symmetric ones.

The published graph of 98 landmarks joins each with the three that its place correlates with most
(Lin et al., TIP 2021); the others were drawn by hand. Ours follow a scheme's own lines instead.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canthus.faces import LandmarkScheme, scheme_of

Kind = Literal["published", "handmade", "symmetric"]
Pair = tuple[int, int]
Floats = NDArray[np.float64]

TABLES = Path(__file__).with_name("graphs.json")
CORRELATED = "98-correlated"
# Of a symmetric graph, by the scheme: pairs across its parts, of one side of the face; and the
# other side's by the mirror.
LINKS: dict[str, tuple[Pair, ...]] = {
    "98": (
        *((33, 60), (41, 61), (40, 62), (39, 63), (38, 64)),  # brow and eye
        *((96, 60), (96, 62), (96, 64), (96, 66)),  # pupil and eye
        *((64, 68), (60, 72), (37, 42), (38, 50)),  # the two eyes, the two brows
        *((38, 51), (64, 51), (54, 57), (54, 55)),  # brow, eye and nose; bridge and base
        *((57, 79), (55, 78), (55, 76)),  # nose and mouth
        *((76, 88), (78, 89), (79, 90), (85, 94), (86, 95)),  # outer and inner lips
        *((16, 85), (14, 86), (10, 76)),  # contour and mouth
        *((0, 33), (0, 60), (4, 55)),  # contour, brow, eye and nose
    ),
    "68": (
        *((17, 36), (19, 37), (20, 38), (21, 39)),
        *((39, 42), (36, 45), (21, 22)),
        *((21, 27), (39, 27), (30, 33), (30, 31)),
        *((33, 51), (31, 50), (31, 48)),
        *((48, 60), (50, 61), (51, 62), (57, 66), (58, 67)),
        *((8, 57), (7, 58), (5, 48)),
        *((0, 17), (0, 36), (2, 31)),
    ),
    "29": (
        *((0, 8), (5, 12), (2, 10)),
        *((16, 8), (16, 10), (16, 12), (16, 13)),
        *((10, 11), (8, 9), (2, 3)),
        *((2, 20), (10, 20), (20, 18), (20, 21)),
        *((21, 24), (18, 22)),
        *((24, 25), (25, 26), (26, 27)),
        *((28, 27), (28, 22)),
    ),
}


@dataclass(frozen=True, eq=False)
class Graph:
    """Landmarks, and the lines between them as a table lists them.

    Attributes:
        num_landmarks: how many there are.
        lines: pairs (i, j): j is a neighbor of i. The other direction need not be listed.
    """

    num_landmarks: int
    lines: tuple[Pair, ...]

    @property
    def directed(self) -> NDArray[np.bool_]:
        """Which lines are listed, (L, L)."""
        found = np.zeros((self.num_landmarks, self.num_landmarks), bool)
        for first, second in self.lines:
            found[first, second] = True
        return found

    @property
    def pattern(self) -> NDArray[np.bool_]:
        """Who hears whom, (L, L): listed lines in both directions, and each landmark itself."""
        listed = self.directed
        return listed | listed.T | np.eye(self.num_landmarks, dtype=bool)

    @property
    def edges(self) -> NDArray[np.int64]:
        """The pattern's pairs (E, 2), row by row: the order of the edges' logits."""
        return np.argwhere(self.pattern)

    def relative(self, *, both: bool) -> Floats:
        """The matrix (L, L) of relative locations: mean of the neighbors, less the landmark.

        Args:
            both: take lines in both directions. As published only those that are listed count,
                and a landmark without any has its place itself, with the other sign.
        """
        eye = np.eye(self.num_landmarks)
        near = (self.pattern & ~eye.astype(bool) if both else self.directed).astype(np.float64)
        return near / np.maximum(near.sum(axis=1, keepdims=True), 1) - eye

    @property
    def components(self) -> list[list[int]]:
        """The landmarks of each part that no line leaves, in their order."""
        pattern, left, found = self.pattern, set(range(self.num_landmarks)), []
        while left:
            part, news = set(), {min(left)}
            while news:
                part |= news
                news = {int(j) for i in news for j in np.flatnonzero(pattern[i])} - part
            found.append(sorted(part))
            left -= part
        return found


@cache
def graph_of(scheme: str, kind: Kind) -> Graph:
    """A graph of a scheme's landmarks.

    Args:
        scheme: "29", "68" or "98".
        kind: "published": the correlated one for 98 landmarks, those drawn by hand for 68 and 29.
            "handmade": drawn by hand for 98 landmarks too. "symmetric": ours, connected and its
            own mirror image.

    Raises:
        ValueError: if there is no graph of the scheme.
    """
    if scheme not in LINKS:
        raise ValueError(f"scheme: expected one of {', '.join(LINKS)} for a graph, found {scheme}")
    marks = scheme_of(scheme)
    if kind == "symmetric":
        return Graph(marks.num_landmarks, tuple(sorted(_symmetric(marks))))
    name = CORRELATED if kind == "published" and scheme == "98" else scheme
    return Graph(marks.num_landmarks, tuple(_listed(name)))


def _listed(name: str) -> Iterator[Pair]:
    rows = json.loads(TABLES.read_text(encoding="utf-8"))[name]
    if name != CORRELATED:
        yield from ((first, second) for first, second in rows)
        return
    for first, row in enumerate(rows):
        yield from ((first, second) for second in row)


def _symmetric(scheme: LandmarkScheme) -> set[Pair]:
    """Neighbors along the scheme's lines, the next ones, and links across its parts; mirrored."""
    lines = _both(scheme.edges)
    steps: dict[int, set[int]] = {}
    for first, second in lines:
        steps.setdefault(first, set()).add(second)
    skips = {pair for near in steps.values() for pair in combinations(sorted(near), 2)}
    pairs = _both([*lines, *skips, *LINKS[scheme.name]])
    return pairs | {(scheme.mirror[first], scheme.mirror[second]) for first, second in pairs}


def _both(pairs: Iterable[Pair]) -> set[Pair]:
    listed = set(pairs)
    return listed | {(second, first) for first, second in listed}

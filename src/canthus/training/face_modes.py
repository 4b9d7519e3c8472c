"""Who it is and what the face does: directions in which shapes vary, learned from many of each.

    shape = mean + sum of a_k identity_k + sum of b_k expression_k

A person of several pictures shows what the face does, and photos of one person each show more of
it, but mixed with who it is. The skull does not stretch, and lifting a photo to 3-D does stretch
it, so:

1. A person's pictures are laid on their mean by affine maps. What is left between them is
   expression, and is added up to a covariance, W.
2. All shapes are laid on the mean face by affine maps. How photos then vary, T, less how people's
   means do, B, is expression as well. Its directions are the principal ones of W + T - B.
3. In every shape, expression is fitted together with an affine map, and taken off. The principal
   directions of what remains of people are those of identity; each person counts once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

ROUNDS = 3  # of laying a person's pictures on their mean


@dataclass(frozen=True, eq=False)
class Modes:
    """Directions of identity and expression, the strongest first.

    A direction, mirrored, is itself or its opposite; a coefficient of 1 moves the vertices by 1
    in the mean square. Directions of a kind are square to each other.

    Attributes:
        identity: (I, V, 3).
        expression: (E, V, 3).
        identity_deviations: (I,), of the coefficients, among people.
        expression_deviations: (E,), of the coefficients, among pictures.
        identity_shares: (I,), of the variance among people without expression, by the first 1,
            2, ... directions.
        expression_shares: (E,), of that of expression, W + T - B, likewise.
    """

    identity: Floats
    expression: Floats
    identity_deviations: Floats
    expression_deviations: Floats
    identity_shares: Floats
    expression_shares: Floats


def learn(
    shapes: Floats, people: Longs, mean: Floats, mirror: Longs, *, counts: tuple[int, int]
) -> Modes:
    """Learn directions from shapes and their mirrored copies.

    Args:
        shapes: (N, V, 3), laid upon the mean.
        people: (N,), numbers from 0: who it is, or which photo; each has a shape or several.
        mean: (V, 3), the same when mirrored.
        mirror: (V,), which vertex mirrors which.
        counts: how many directions of identity and of expression to find.

    Raises:
        ValueError: if there are fewer people with several shapes than directions of either kind,
            or none of one shape.
    """
    several = np.bincount(people)[people] > 1
    _check(people, several, counts)
    steady = shapes.copy()
    steady[several], weights = _steadied(shapes[several], people[several], mirror)
    covariance = _expressive(onto(steady, mean, weights), people, several)
    spread, expression, total = _principal(covariance, mirror, counts[1])
    does = _coefficients(steady, mean, expression)
    neutral = _means(steady - np.tensordot(does, expression, 1), people) - mean
    flat = neutral.reshape(len(neutral), -1)
    deviations, identity, of_people = _principal(flat.T @ flat / len(flat), mirror, counts[0])
    return Modes(
        identity,
        expression,
        deviations,
        does.std(axis=0),
        identity_shares=np.cumsum(deviations**2) / of_people,
        expression_shares=np.cumsum(spread**2) / total,
    )


def onto(faces: Floats, targets: Floats, weights: Floats) -> Floats:
    """Faces (N, V, 3) laid upon others (N, V, 3), or one (V, 3), by affine maps.

    Args:
        faces: the ones to move.
        targets: where to.
        weights: (V,), how much a vertex counts.
    """
    known = np.concatenate([faces, np.ones((*faces.shape[:2], 1))], axis=2)
    weighted = known * weights[:, None]
    aims = np.broadcast_to(targets, faces.shape)
    products = weighted.transpose(0, 2, 1) @ known
    return known @ np.linalg.solve(products, weighted.transpose(0, 2, 1) @ aims)


def _check(people: Longs, several: NDArray[np.bool_], counts: tuple[int, int]) -> None:
    found = len(np.unique(people[several]))
    if found < max(counts):
        raise ValueError(
            f"expected {max(counts)} people with several shapes for as many directions, "
            f"found {found}"
        )
    if several.all():
        raise ValueError("expected people with one shape as well, found none")


def _steadied(shapes: Floats, people: Longs, mirror: Longs) -> tuple[Floats, Floats]:
    """People's shapes laid upon their means, and the weights of vertices: more of stiff ones."""
    steady, weights = shapes, np.ones(shapes.shape[1])
    whose = np.unique(people, return_inverse=True)[1]
    for _ in range(ROUNDS):
        means = _means(steady, whose)[whose]
        variances = ((steady - means) ** 2).sum(axis=2).mean(axis=0)
        weights = 2 / (variances + variances[mirror])
        steady = onto(steady, means, weights)
    return steady, weights


def _expressive(faces: Floats, people: Longs, several: NDArray[np.bool_]) -> Floats:
    """W + T - B, (3 V, 3 V), of shapes that are laid on the mean face by affine maps."""
    rows = faces.reshape(len(faces), -1)
    whose = np.unique(people[several], return_inverse=True)[1]
    number = np.bincount(whose)
    means = _means(faces[several], whose).reshape(len(number), -1)
    apart = rows[several] - means[whose]
    within = apart.T @ apart / (len(apart) - len(number))
    between = np.cov(means.T) - within * (1 / number).mean()
    return within + np.cov(rows[~several].T) - between


def _principal(covariance: Floats, mirror: Longs, count: int) -> tuple[Floats, Floats, float]:
    """The principal directions of a covariance (3 V, 3 V) of shapes and of mirrored ones.

    Returns:
        deviations: (K,) along them.
        directions: (K, V, 3), each the same when mirrored, or its opposite.
        total: of all variance, over the number of vertices.
    """
    size = len(mirror)
    image = np.arange(3 * size).reshape(size, 3)[mirror].ravel()
    sign = np.tile([-1.0, 1.0, 1.0], size)
    both = (covariance + (covariance * sign * sign[:, None])[np.ix_(image, image)]) / 2
    found, lengths = [], []
    for parity in (1, -1):
        half = (np.eye(3 * size)[image] * sign * parity + np.eye(3 * size)) / 2
        values, vectors = np.linalg.eigh(half @ both @ half)
        found.append(vectors[:, -count:].T)
        lengths.append(values[-count:])
    every = np.concatenate(lengths)
    order = np.argsort(-every, kind="stable")[:count]
    directions = np.concatenate(found)[order]
    largest = np.abs(directions).argmax(axis=1)
    directions *= np.sign(directions[np.arange(count), largest])[:, None]
    deviations = np.sqrt(np.maximum(every[order], 0) / size)
    return deviations, directions.reshape(count, size, 3) * np.sqrt(size), np.trace(both) / size


def _coefficients(faces: Floats, mean: Floats, directions: Floats) -> Floats:
    """How far directions (E, V, 3) are in faces: (N, E), beside an affine map of the mean."""
    flat = directions.reshape(len(directions), -1).T
    known = np.concatenate([mean, np.ones((len(mean), 1))], axis=1)
    stretch = np.kron(known, np.eye(3))
    both = np.concatenate([flat, stretch], axis=1)
    offsets = (faces - mean).reshape(len(faces), -1)
    return np.linalg.lstsq(both, offsets.T, rcond=None)[0][: len(directions)].T


def _means(shapes: Floats, people: Longs) -> Floats:
    """The mean shapes (P, V, 3) of people."""
    order = np.argsort(people, kind="stable")
    starts = np.searchsorted(people[order], np.arange(people.max() + 1))
    sums = np.add.reduceat(shapes[order], starts, axis=0)
    return sums / np.bincount(people)[:, None, None]

"""The charts of a report's page: from arrays to `<svg>` text. Errors are fractions."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from canthus.evaluation.binning import Bin, bins_of
from canthus.evaluation.svg import INK, house_style, to_svg
from canthus.metrics import auc

Array = NDArray[np.float64]
Dashes = str | tuple[int, tuple[float, ...]]

# By Okabe and Ito: told apart by people of any color vision.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#3c3c3c")
DASHES: tuple[Dashes, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.2, 1.2, 1.2)))
WIDTH = 4.4  # inches; a page scales a chart to the width it has
ROW = 0.24  # inches of a line in a legend
BEYOND = 1.5  # thresholds that a curve is shown up to
HEIGHTS = (-3, 4, -10, 11, -17, 18)  # points from a line's first point up to a name: the first free
ASIDE = 5.0  # points from there to the right
LETTER, TALL = 4.5, 7.0  # points of a letter of such a name, about, and of its height
MARKER = 3.0  # points around a line that no name is written on
EXACT = 400  # faces up to which a curve has every step; more are rounded up to so many places
LONGEST = 44  # letters of a line in a legend: a model's name, its boxes and its area
SMALL = 10  # points of a legend's letters, so that as many fit
MARKED = 5  # landmarks that are numbered: the worst
NEAR = 12.0  # units from a landmark to its number
SHADES = 32  # of the color bar
DISC = 150.0  # area of the worst landmark's, in square units
LOGARITHMIC = 8.0  # ratio of large values to small ones from which an axis is logarithmic
TICKS = 6  # of a condition's axis at most
CROWDED = 100.0  # ratio from which such an axis has fewer ticks


@dataclass(frozen=True, eq=False)
class Curve:
    """The errors of a model's faces (N,), as fractions; infinite where it missed one."""

    name: str
    errors: ArrayLike


@dataclass(frozen=True, eq=False)
class Line:
    """A named line through points (x, y), (n,) each; it is broken where y is not finite."""

    name: str
    x: ArrayLike
    y: ArrayLike


def ced_chart(curves: Sequence[Curve], threshold: float, label: str) -> str:
    """The cumulative error curves of models on one plot, with the area under each.

    Curves are step functions; beyond the threshold they go on faintly, to 1.5 times as far.

    Args:
        curves: of models, in the order of the legend.
        threshold: up to which the area is taken.
        label: what the error is, without its unit.

    Raises:
        ValueError: if there is no curve, one has no face, or an error is NaN or below 0.
    """
    if not curves:
        raise ValueError("expected curves to draw, found none")
    names = [
        _cut(curve.name, f": AUC {100 * auc(curve.errors, threshold):.2f} %") for curve in curves
    ]
    with house_style():
        figure = _figure(3.0, len(curves))
        axes = figure.subplots()
        for index, curve in enumerate(curves):
            _draw_steps(axes, np.asarray(curve.errors, np.float64), threshold, index)
        axes.axvline(100 * threshold, color=INK, lw=0.8, ls=(0, (3, 2)))
        axes.set(xlim=(0, 100 * BEYOND * threshold), ylim=(0, 100))
        axes.set_xlabel(f"{label}, %")
        axes.set_ylabel("faces up to there, %")
        _legend(figure, len(curves))
        title = f"Cumulative error curves up to {100 * threshold:g} %. {'; '.join(names)}"
        return to_svg(figure, title, _by_gid(names))


def landmark_chart(
    mean_face: ArrayLike, edges: Sequence[tuple[int, int]], errors: ArrayLike
) -> str:
    """Each landmark's mean error as a disc at its place on the mean face.

    Larger and darker is worse; the five worst are numbered by their index. A landmark that was
    not scored (NaN) is hollow; one whose place is not known is left out.

    Args:
        mean_face: (L, 2), y down.
        edges: the pairs of landmarks to join.
        errors: (L,) fractions.

    Raises:
        ValueError: if there is not one error for each landmark.
    """
    points, error = np.asarray(mean_face, np.float64), np.asarray(errors, np.float64)
    if points.shape != (len(error), 2):
        raise ValueError(
            f"expected an error for each point, found {points.shape} and {error.shape}"
        )
    known = np.asarray(np.isfinite(points).all(axis=1))
    scored = known & np.isfinite(error)
    with house_style():
        figure = _figure(3.7, 0)
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_aspect("equal")
        lines = [points[[a, b]] for a, b in edges if known[a] and known[b]]
        axes.add_collection(LineCollection(lines, colors="#c4c8d0", linewidths=0.8, zorder=1))
        hollow = points[known & ~scored]
        x, y = hollow.T
        axes.scatter(x, y, s=22, facecolors="none", edgecolors="#7d838f", linewidths=0.9)
        if scored.any():
            _draw_discs(axes, points, error, np.flatnonzero(scored))
        axes.autoscale_view()
        axes.margins(0.04)
        axes.invert_yaxis()
        return to_svg(figure, _landmarks_title(error))


def condition_chart(
    values: ArrayLike,
    errors: ArrayLike,
    label: str,
    *,
    threshold: float,
    edges: Sequence[float] | None = None,
) -> str:
    """The mean error and the share of failures against a condition, with 95 % intervals.

    Args:
        values: (N,) of the condition; faces whose value is NaN are left out.
        errors: (N,) fractions; an infinite one counts as a failure, and not in the mean.
        label: what the condition is, with its unit.
        threshold: above which a face has failed.
        edges: of the bins; 8 of about as many faces each if None.

    Raises:
        ValueError: if there are not as many values as errors, or no value is known.
    """
    bins = bins_of(values, errors, threshold, edges)
    if not bins:
        raise ValueError(f"expected values of {label}, found none that is known")
    with house_style():
        figure = _figure(3.3, 0)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        _draw_means(above, bins)
        _draw_failures(below, bins)
        if edges is not None:
            below.set_xticks(edges[:: 1 + len(edges) // 8])
        elif _is_wide(bins):
            _make_logarithmic(below, bins)
        else:
            below.locator_params(axis="x", nbins=TICKS)
        below.set_xlabel(label)
        figure.align_ylabels()
        return to_svg(figure, _condition_title(label, bins))


def sweep_chart(lines: Sequence[Line], label_x: str, label_y: str, *, named: bool = False) -> str:
    """Named lines on one plot.

    Args:
        lines: in the order of the legend.
        label_x: what x is, with its unit.
        label_y: what y is, with its unit.
        named: write each line's name beside its first point, above or below, and not in a legend.

    Raises:
        ValueError: if there is no line, or x and y of one differ in length.
    """
    if not lines:
        raise ValueError("expected lines to draw, found none")
    names = [_cut(line.name) for line in lines]
    with house_style():
        figure = _figure(2.7, 0 if named else len(lines))
        axes = figure.subplots()
        for index, line in enumerate(lines):
            x, y = _places(line)
            color, dashes = _look(index)
            axes.plot(x, y, color=color, ls=dashes, marker="o", ms=3.5, lw=1.6)
        axes.set_xlabel(label_x)
        axes.set_ylabel(label_y)
        if named:
            texts = _write_names(axes, lines, names)
        else:
            _legend(figure, len(lines))
            texts = _by_gid(names)
        return to_svg(figure, f"{label_y} against {label_x}: {'; '.join(names)}", texts)


def _write_names(axes: Axes, lines: Sequence[Line], names: Sequence[str]) -> dict[str, str]:
    """Write each line's name beside its first point, higher or lower where something else is.

    Returns:
        The names by the `gid` of their texts, those of lines with no point left out.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # lets the axes find their limits and their place
    points = figure.dpi / 72
    known = {}
    for index, line in enumerate(lines):
        place = np.column_stack(_places(line))
        if (seen := place[np.isfinite(place).all(axis=1)]).size:
            known[index] = seen
    scaled = {index: axes.transData.transform(seen) / points for index, seen in known.items()}
    taken = [_around(place) for place in scaled.values()]
    for index, place in scaled.items():
        left, middle = place[0]
        boxes = [_box(left + ASIDE, middle + up, names[index]) for up in HEIGHTS]
        free = [not any(_meet(box, other) for other in taken) for box in boxes]
        chosen = free.index(True) if any(free) else 0
        taken.append(boxes[chosen])
        axes.annotate(
            "n" * len(names[index]),
            known[index][0],
            xytext=(ASIDE, HEIGHTS[chosen]),
            textcoords="offset points",
            color=_look(index)[0],
            fontsize=8,
            gid=_gid(index),
        )
    return {_gid(index): names[index] for index in known}


def _around(place: Array) -> Array:
    """The box (left, low, right, high) around a line's points (n, 2), with their markers."""
    return np.concatenate([place.min(axis=0) - MARKER, place.max(axis=0) + MARKER])


def _box(left: float, low: float, name: str) -> Array:
    return np.array([left, low, left + LETTER * len(name), low + TALL])


def _meet(one: Array, other: Array) -> bool:
    return bool((one[:2] < other[2:]).all() and (other[:2] < one[2:]).all())


def learning_chart(terms: Sequence[Line], error: Line) -> str:
    """A training: the terms of its loss on a logarithmic axis, and below the error of faces apart.

    Args:
        terms: values by step, in the order of the legend.
        error: in percent, by step; infinite or NaN where nothing was tested.

    Raises:
        ValueError: if there is no term, or x and y of a line differ in length.
    """
    if not terms:
        raise ValueError("expected terms of a loss to draw, found none")
    names = [_cut(line.name) for line in terms]
    with house_style():
        figure = _figure(3.7, len(terms))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1))
        for index, line in enumerate(terms):
            x, y = _places(line)
            color, dashes = _look(index)
            above.plot(x, np.where(y > 0, y, np.nan), color=color, ls=dashes, lw=1.4)
        above.set_yscale("log")
        above.set_ylabel("loss")
        x, y = _places(error)
        tested = np.isfinite(y)
        below.plot(x[tested], y[tested], color=INK, marker="o", ms=3.5, lw=1.4)
        below.set_xlabel("step")
        below.set_ylabel(error.name)
        figure.align_ylabels()
        _legend(figure, len(terms))
        return to_svg(figure, f"Loss and {error.name} by step: {'; '.join(names)}", _by_gid(names))


def _places(line: Line) -> tuple[Array, Array]:
    x, y = np.asarray(line.x, np.float64), np.asarray(line.y, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"line {line.name!r}: {x.size} values of x and {y.size} of y")
    return x, np.where(np.isfinite(y), y, np.nan)


def _figure(height: float, entries: int) -> Figure:
    """A figure of so many inches, and room for a legend of so many lines below its axes."""
    return Figure(figsize=(WIDTH, height + ROW * entries), layout="constrained")


def _look(index: int) -> tuple[str, Dashes]:
    return COLORS[index % len(COLORS)], DASHES[index // len(COLORS) % len(DASHES)]


def _legend(figure: Figure, entries: int) -> None:
    """Lines and room for names below the axes, where they cover nothing."""
    handles = []
    for index in range(entries):
        color, dashes = _look(index)
        handles.append(matplotlib.lines.Line2D([], [], color=color, ls=dashes, lw=2))
    labels = ["n" * LONGEST for _ in handles]
    legend = figure.legend(
        handles, labels, loc="outside lower left", labelspacing=0.35, fontsize=SMALL
    )
    for index, text in enumerate(legend.get_texts()):
        text.set_gid(_gid(index))


def _gid(index: int) -> str:
    return f"name-{index}"


def _by_gid(names: Sequence[str]) -> dict[str, str]:
    return {_gid(index): name for index, name in enumerate(names)}


def _cut(name: str, figure: str = "") -> str:
    room = LONGEST - len(figure)
    return (name if len(name) <= room else f"{name[: room - 1]}…") + figure


def _draw_steps(axes: Axes, errors: Array, threshold: float, index: int) -> None:
    color, dashes = _look(index)
    for limit, width, alpha in ((BEYOND * threshold, 1.2, 0.4), (threshold, 2.0, 1.0)):
        x, y = _steps(errors, limit)
        axes.plot(100 * x, 100 * y, color=color, ls=dashes, lw=width, alpha=alpha)


def _steps(errors: Array, limit: float) -> tuple[Array, Array]:
    """The corners of the curve from 0 to a limit: errors, and shares of all faces up to there."""
    ranked = np.sort(errors)
    inside = np.unique(ranked[ranked <= limit])
    if len(inside) > EXACT:
        inside = np.linspace(0, limit, EXACT)
    places = np.concatenate([[0.0], inside, [limit]])
    shares = np.searchsorted(ranked, places, side="right") / len(ranked)
    return np.repeat(places, 2)[1:], np.repeat(shares, 2)[:-1]


def _draw_discs(axes: Axes, points: Array, error: Array, scored: NDArray[np.intp]) -> None:
    percents = 100 * error[scored]
    highest = max(float(percents.max()), 1e-9)
    x, y = points[scored].T
    discs = axes.scatter(
        x,
        y,
        s=np.maximum(min(1, 68 / len(error)) ** 0.7 * DISC * percents / highest, 4),
        c=percents,
        cmap=matplotlib.colormaps["cividis_r"].resampled(SHADES),
        vmin=0,
        vmax=highest,
        edgecolors="white",
        linewidths=0.6,
        zorder=2,
    )
    assert axes.figure is not None
    bar = axes.figure.colorbar(discs, ax=axes, shrink=0.7, aspect=24, pad=0.02)
    bar.set_label("mean error, %")
    bar.outline.set_visible(False)
    _number_worst(axes, points, scored[np.argsort(-percents, kind="stable")[:MARKED]])


def _number_worst(axes: Axes, points: Array, worst: NDArray[np.intp]) -> None:
    """Write the indices of some landmarks beside them, away from the middle of the face."""
    away = points[worst] - np.nanmean(points, axis=0)
    away *= (NEAR / np.maximum(np.hypot(*away.T), 1e-9))[:, None] * (1, -1)  # y is down
    for index, offset in zip(worst, away, strict=True):
        axes.annotate(
            str(index),
            points[index],
            offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=9,
        )


def _landmarks_title(error: Array) -> str:
    scored = np.flatnonzero(np.isfinite(error))
    if not len(scored):
        return "The mean face; no landmark was scored"
    worst = scored[np.argsort(-error[scored], kind="stable")[:MARKED]]
    named = ", ".join(f"{index} ({100 * error[index]:.2f} %)" for index in worst)
    return f"Mean error of each landmark on the mean face; the worst are {named}"


def _draw_means(axes: Axes, bins: Sequence[Bin]) -> None:
    """The mean of each bin, a whisker for its interval, a band for where it begins and ends."""
    color = COLORS[0]
    middle, mean = [b.middle for b in bins], [100 * b.mean for b in bins]
    spread = [100 * b.spread if np.isfinite(b.spread) else 0 for b in bins]
    axes.hlines(mean, [b.low for b in bins], [b.high for b in bins], color=color, alpha=0.3, lw=4)
    axes.errorbar(middle, mean, spread, color=color, fmt="o-", ms=4.5, lw=1.2, capsize=3)
    highest = max((m + s for m, s in zip(mean, spread, strict=True) if np.isfinite(m)), default=0)
    axes.set_ylim(0, 1.1 * highest if highest > 0 else 1)
    axes.set_ylabel("mean error, %")


def _draw_failures(axes: Axes, bins: Sequence[Bin]) -> None:
    color = COLORS[1]
    failed = np.array([b.failed for b in bins])
    between = np.array([b.between for b in bins])
    whiskers = 100 * np.abs(between - failed[:, None]).T
    axes.bar(
        [b.low for b in bins],
        100 * failed,
        [b.high - b.low for b in bins],
        align="edge",
        color=color,
        alpha=0.45,
    )
    middle = [b.middle for b in bins]
    axes.errorbar(middle, 100 * failed, whiskers, color=color, fmt="o", ms=3, lw=1.2, capsize=3)
    axes.set_ylim(0, max(5.0, min(100.0, 115 * float(between.max()))))
    axes.set_ylabel("failed, %")


def _is_wide(bins: Sequence[Bin]) -> bool:
    return bins[0].low > 0 and bins[-1].middle / bins[0].middle > LOGARITHMIC


def _make_logarithmic(axes: Axes, bins: Sequence[Bin]) -> None:
    axes.set_xscale("log")
    powers = 10.0 ** np.arange(-6, 7)
    some = bins[-1].high / bins[0].low > CROWDED
    places = np.outer(powers, (1, 3) if some else (1, 2, 5)).ravel()
    seen = places[(places >= bins[0].low) & (places <= bins[-1].high)].tolist()
    axes.set_xticks(seen, [f"{place:g}" for place in seen])
    axes.set_xticks([], minor=True)


def _condition_title(label: str, bins: Sequence[Bin]) -> str:
    said = ", ".join(
        f"{b.low:.4g} to {b.high:.4g}: {_said(b.mean)} ({_faces(b.count)})" for b in bins
    )
    return f"Mean error and failures against {label}; {said}"


def _faces(count: int) -> str:
    return "1 face" if count == 1 else f"{count} faces"


def _said(mean: float) -> str:
    return f"{100 * mean:.2f} %" if np.isfinite(mean) else "none found"

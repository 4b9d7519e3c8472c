"""The page of an evaluation: its figures, curves, conditions and worst faces in one file."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from canthus.evaluation import quitting_page, words
from canthus.evaluation.charts import (
    Curve,
    Line,
    ced_chart,
    condition_chart,
    landmark_chart,
    sweep_chart,
)
from canthus.evaluation.mean_face import mean_face
from canthus.evaluation.report import Report, Scores, Summary
from canthus.evaluation.sections import Chart, Section, Table, render_models
from canthus.evaluation.tables import percent
from canthus.evaluation.tiles import worst_tiles
from canthus.evaluation.turning import estimated_yaw, holds_yaw
from canthus.faces import LandmarkScheme
from canthus.metrics import Coverage

Array = NDArray[np.float64]

FEWEST = 20  # faces, or landmarks of like scores, below which a chart says nothing
SAME = 1e-9  # values that differ by less are one
YAW = "yaw_deg"
YAW_EDGES = range(-90, 91, 15)
LABELS = {
    YAW: "yaw, degrees; positive: nose to the picture's left",
    "box_scale": "side of the box given / side of the data set's",
    "face_size": "side of the face's box, pixels",
    "blur": "blur, -log10 of the Laplacian's variance",
}
NAMES = {
    YAW: "yaw",
    "box_scale": "scale of the box given",
    "face_size": "size of the face",
    "blur": "blur of the picture",
}
ESTIMATED = "estimated from the true points, to about 3 degrees"
HOW_TO_READ = (
    "Means of the faces that were found, and shares of those that failed, missed ones included. "
    "Whiskers are 95 % intervals; a bar is as wide as its bin of faces."
)
HEADS = (
    "subset",
    "faces",
    "missed",
    "NME %",
    "failed %",
    "AUC %",
    "median %",
    "p90 %",
    "p95 %",
    "p99 %",
)


def render(
    report: Report, *, against: Sequence[Curve] = (), worst: int = 20, pictures: bool = True
) -> str:
    """The page of a report: one file of HTML that needs no other.

    Args:
        report: what to show.
        against: curves of other models on the same faces, for the same plot.
        worst: how many of the worst faces to show.
        pictures: whether to show their pictures; their points alone otherwise.
    """
    sections = [
        Section("What was scored, and how", facts=words.facts_of(report)),
        _figures(report),
        _curve(report, against),
        _landmarks(report),
        _conditions(report),
        _worst(report, worst, pictures=pictures),
        *_scores(report.scores),
        *_ellipses(report.ellipses),
        *quitting_page.sections_of(report),
    ]
    title = f"{report.model or 'Predictions'} on {report.benchmark}"
    lead = (report.title, *_warning(report))
    return render_models(title, sections, lead, highlights=list(_highlights(report)))


def _highlights(report: Report) -> Iterator[tuple[str, str, str]]:
    every = report.headline
    above = f"above {100 * report.threshold:g} %"
    rows = (("NME", "nme", report.normalizer), ("failed", "failure_rate", above))
    for name, key, note in (*rows, ("AUC", "auc", f"up to {100 * report.threshold:g} %")):
        interval = every.intervals.get(key)
        between = "" if interval is None else f"{words.between(interval)}, "
        yield name, _percent(getattr(every, key)), f"{between}{note}"
    yield "faces", str(every.faces), f"{every.missed} missed"


def _percent(value: float) -> str:
    return f"{percent(value)} %" if math.isfinite(value) else "unknown"


def _warning(report: Report) -> Iterator[str]:
    if report.conversion:
        yield (
            f"The answers were converted from scheme {report.model_scheme} to {report.scheme}: "
            f"{words.CONVERSIONS.get(report.conversion, report.conversion)}."
        )


def _figures(report: Report) -> Section:
    rows = [(name, *_cells(summary)) for name, summary in report.subsets.items()]
    subsets = Table("Mean, failures and area of each subset", HEADS, rows)
    others = (_over_bins, _other_normalizers, _other_areas, _pose)
    text = () if report.over_bins is None else (words.SEPARATE,)
    tables = [subsets, *(table for other in others for table in other(report))]
    return Section("Figures", text, tables=tables)


def _over_bins(report: Report) -> Iterator[Table]:
    if (bins := report.over_bins) is not None:
        each = zip(bins.bins, bins.counts, bins.means, bins.stds, strict=True)
        rows = [(name, str(count), percent(mean), percent(std)) for name, count, mean, std in each]
        rows += [
            (f"mean over {len(bins.bins)} bins", "", percent(bins.mean), percent(bins.std)),
            ("mean over faces", str(report.headline.faces), percent(report.headline.nme), ""),
        ]
        heads = ("bin", "faces", "NME %", "deviation %")
        yield Table("Mean over bins, and over faces", heads, rows)


def _other_normalizers(report: Report) -> Iterator[Table]:
    if report.beside:
        rows = [
            (f"{name}: {words.normalizer(name)}", *map(percent, means.values()))
            for name, means in report.beside.items()
        ]
        yield Table("NME in % by other normalizers", ("divided by", *report.subsets), rows)


def _other_areas(report: Report) -> Iterator[Table]:
    if report.areas:
        rows = [
            (subset, percent(each.auc), *(percent(each.areas[name]) for name in report.areas))
            for subset, each in report.subsets.items()
        ]
        heads = ("subset", "exact", *report.areas)
        yield Table("AUC in % by other definitions, which are told above", heads, rows)


def _pose(report: Report) -> Iterator[Table]:
    if (pose := report.pose) is not None:
        cells = (pose.pitch, pose.yaw, pose.roll, pose.mean, pose.geodesic)
        row = (f"{pose.faces} faces", *(f"{value:.2f}" for value in cells), str(pose.left_out))
        heads = ("", "pitch", "yaw", "roll", "mean", "as a rotation", "99 degrees and more")
        yield Table("Mean errors of the head's pose, in degrees", heads, [row])


def _cells(summary: Summary) -> Iterator[str]:
    yield from (str(summary.faces), str(summary.missed))
    for name in ("nme", "failure_rate", "auc"):
        yield words.with_interval(getattr(summary, name), summary.intervals.get(name))
    for value in (summary.median, summary.p90, summary.p95, summary.p99):
        yield "missed" if math.isinf(value) else percent(value)


def _curve(report: Report, against: Sequence[Curve]) -> Section:
    errors = [face.error for face in report.faces]
    name = report.model or "predictions"
    if against and report.boxes != "file":
        name = f"{name}, {report.boxes} boxes"  # as the others are named
    curves = [Curve(name, errors), *against]
    label = f"error by {report.normalizer}"
    caption = (
        "The share of faces whose error is at most so large; the area is taken up to the dashed "
        "line, the threshold."
    )
    chart = Chart(ced_chart(curves, report.threshold, label), caption)
    return Section("Cumulative error", charts=[chart])


def _landmarks(report: Report) -> Section:
    svg = landmark_chart(mean_face(_truth(report)), _scheme(report).edges, report.landmarks)
    caption = (
        "Mean error of each landmark on the mean face: larger and darker is worse, hollow was not "
        "scored. The worst are numbered by their index, from 0."
    )
    rows = [(name.replace("_", " "), percent(error)) for name, error in report.parts.items()]
    tables = [Table("Mean error of each part", ("part", "NME %"), rows)] if rows else []
    text: tuple[str, ...] = ()
    if (seen := report.visibility) is not None:
        text = (
            f"{100 * seen.share:.1f} % of the landmarks are visible. NME of these "
            f"{_percent(seen.visible)}, of hidden ones {_percent(seen.hidden)}.",
        )
    return Section("Landmarks", text, tables=tables, charts=[Chart(svg, caption)])


def _conditions(report: Report) -> Section:
    errors = np.array([face.error for face in report.faces])
    charts, text = [], []
    for key, name in NAMES.items():
        values, source = _values(report, key)
        known = values[np.isfinite(values)]
        if len(known) < FEWEST or np.ptp(known) < SAME:
            text.append(_nothing_to_draw(name, known, len(errors)))
            continue
        edges = YAW_EDGES if key == YAW else None
        svg = condition_chart(values, errors, LABELS[key], threshold=report.threshold, edges=edges)
        of = "" if len(known) == len(errors) else f", known of {len(known)} of {len(errors)} faces"
        charts.append(Chart(svg, f"Against the {name}{source}{of}."))
    return Section("Conditions", (*([HOW_TO_READ] if charts else []), *text), charts=charts)


def _values(report: Report, key: str) -> tuple[Array, str]:
    """The values of a condition, NaN where not known, and where they come from if not measured."""
    values = np.array([face.conditions.get(key, math.nan) for face in report.faces])
    scheme = _scheme(report)
    if key != YAW or np.isfinite(values).sum() >= FEWEST or not holds_yaw(scheme):
        return values, ""
    return estimated_yaw(_truth(report), scheme), f", {ESTIMATED}"


def _truth(report: Report) -> Array:
    points = [face.sample.landmarks.points[:, :2] for face in report.faces]
    return np.array(points, np.float64)


def _scheme(report: Report) -> LandmarkScheme:
    return report.faces[0].sample.landmarks.scheme


def _nothing_to_draw(name: str, known: Array, faces: int) -> str:
    if len(known) == 0:
        return f"The {name} is not known."
    if len(known) < FEWEST:
        return f"The {name} is known of {len(known)} of {faces} faces, too few to draw."
    return f"The {name} is {known[0]:.4g} for all faces."


def _worst(report: Report, count: int, *, pictures: bool) -> Section:
    tiles = worst_tiles(report, count, pictures=pictures)
    text = "The truth is drawn in blue, what was found in orange." if tiles else "None are shown."
    return Section("Worst faces", (text,), tiles=tiles)


def _scores(scores: Scores | None) -> Iterator[Section]:
    """What the landmarks' scores promised, and kept."""
    if scores is None:
        return
    bins = [b for b in scores.bins if b.count]
    many = [b for b in bins if b.count >= FEWEST]  # a share of a few says nothing
    said = [100 * b.score for b in many]
    lines = [
        Line("landmarks that were near", said, [100 * b.hits for b in many]),
        Line("what their scores promised", [0, 100], [0, 100]),
    ]
    rows = [
        (f"{b.low:.1f} to {b.high:.1f}", str(b.count), percent(b.score), percent(b.hits))
        for b in bins
    ]
    heads = ("score", "landmarks", "promised %", "were near %")
    yield Section(
        "What the scores are worth",
        (
            "A score is the chance that its landmark lies near the truth: within "
            f"{100 * scores.radius:g} % of the longer side of the face's box. The mean gap "
            f"between what was promised and what was kept is {100 * scores.gap:.1f} %.",
        ),
        tables=[Table("Landmarks by their score", heads, rows)],
        charts=[
            Chart(
                sweep_chart(lines, "score, %", "near the truth, %"),
                f"Scores of fewer than {FEWEST} landmarks are in the table alone.",
            )
        ],
    )


def _ellipses(ellipses: Sequence[Coverage] | None) -> Iterator[Section]:
    """How many errors the ellipses of the landmarks hold."""
    if ellipses is None:
        return
    said, held = [100 * e.level for e in ellipses], [100 * e.held for e in ellipses]
    lines = [
        Line("errors in the ellipses", said, held),
        Line("what was promised", [said[0], said[-1]], [said[0], said[-1]]),
    ]
    rows = [(f"{100 * e.level:g} %", percent(e.held)) for e in ellipses]
    yield Section(
        "What the ellipses hold",
        (
            "A landmark's covariance says where it is with what chance: the true one is to lie in "
            "its 68 % ellipse in 68 of 100 cases.",
        ),
        tables=[Table("Errors in the ellipses", ("level", "held %"), rows)],
        charts=[Chart(sweep_chart(lines, "level of the ellipses, %", "errors held, %"))],
    )

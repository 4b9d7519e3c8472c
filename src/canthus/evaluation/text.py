"""A report as tables to read in a terminal; errors in percent."""

import math
from collections.abc import Iterable

from canthus.evaluation.report import ALL, Report, Scores, Summary
from canthus.evaluation.tables import percent, table


def to_text(report: Report) -> str:
    """The report as tables to read."""
    figures = (_subsets, _beside, _definitions, _pose, _parts)
    parts = (_head, *figures, _reliability, _ellipses, _expected, _quitting, _foot)
    return "\n".join(line for part in parts for line in part(report))


def _head(report: Report) -> Iterable[str]:
    model = f"{report.model or 'model'} ({report.model_scheme or 'nothing found'})"
    boxes = "predictions from a file" if report.boxes == "file" else f"{report.boxes} boxes"
    boxes += f" (seed {report.seed})" if report.boxes == "jitter" else ""
    limit = f"failed above {100 * report.threshold:g}%"
    yield f"{report.benchmark}: {report.title}"
    yield f"{model}, {boxes}, errors by {report.normalizer}, {limit}"
    if report.conversion:
        yield (
            f"answers converted from scheme {report.model_scheme} to {report.scheme} "
            f"({report.conversion}): not to be compared with native ones"
        )
    yield from report.notes
    yield ""


def _subsets(report: Report) -> Iterable[str]:
    heads = ("faces", "missed", "NME %", "95 %", "fail %", "AUC %", "median", "p90", "p95", "p99")
    yield from table(heads, [(name, _cells(s)) for name, s in report.subsets.items()])
    bins = report.over_bins
    if bins is not None:
        yield (
            f"mean over {len(bins.bins)} bins {percent(bins.mean)} % with deviation "
            f"{percent(bins.std)} %; over faces {percent(report.subsets[ALL].nme)} %"
        )


def _cells(summary: Summary) -> tuple[str, ...]:
    low, high = map(percent, summary.intervals.get("nme", (float("nan"), float("nan"))))
    tail = (summary.median, summary.p90, summary.p95, summary.p99)
    return (
        str(summary.faces),
        str(summary.missed),
        percent(summary.nme),
        "-" if low == "-" else f"{low} to {high}",
        percent(summary.failure_rate),
        percent(summary.auc),
        *map(percent, tail),
    )


def _beside(report: Report) -> Iterable[str]:
    if report.beside:
        yield ""
        rows = [
            (name, tuple(map(percent, means.values()))) for name, means in report.beside.items()
        ]
        yield from table(tuple(report.subsets), rows, title="NME % by")


def _definitions(report: Report) -> Iterable[str]:
    """What of the same errors others would print, and what of the landmarks is visible."""
    if report.areas:
        sets = report.subsets.values()
        rows = [("exact", tuple(percent(each.auc) for each in sets))]
        rows += [(name, tuple(percent(each.areas[name]) for each in sets)) for name in report.areas]
        yield ""
        yield from table(tuple(report.subsets), rows, title="AUC % by")
    seen = report.visibility
    if seen is not None:
        yield (
            f"{seen.share:.1%} of the landmarks are visible: NME % of these "
            f"{percent(seen.visible)}, of hidden ones {percent(seen.hidden)}"
        )


def _pose(report: Report) -> Iterable[str]:
    if (pose := report.pose) is not None:
        yield (
            f"head pose, mean errors in degrees over {pose.faces} faces: pitch {pose.pitch:.2f}, "
            f"yaw {pose.yaw:.2f}, roll {pose.roll:.2f}, mean {pose.mean:.2f}; as a rotation "
            f"{pose.geodesic:.2f} ({pose.left_out} faces of 99 degrees and more left out)"
        )


def _parts(report: Report) -> Iterable[str]:
    yield ""
    rows = [(name, (percent(error),)) for name, error in report.parts.items()]
    yield from table(("NME %",), rows, title="part")


def _reliability(report: Report) -> Iterable[str]:
    if report.scores is not None:
        yield from _promised(report.scores)


def _promised(scores: Scores) -> Iterable[str]:
    yield ""
    yield (
        f"scores: chance of an error below {scores.radius:.1%} of the box's longer side; "
        f"mean gap {scores.gap:.1%}"
    )
    rows = [
        (f"{b.low:.1f} to {b.high:.1f}", (str(b.count), percent(b.score), percent(b.hits)))
        for b in scores.bins
        if b.count
    ]
    yield from table(("landmarks", "said %", "was %"), rows, title="score")


def _ellipses(report: Report) -> Iterable[str]:
    if report.ellipses is not None:
        yield ""
        yield "ellipses: the share of the landmarks' errors that they are to hold, and hold"
        heads = tuple(f"{100 * level.level:g}" for level in report.ellipses)
        yield from table(
            heads, [("was %", tuple(percent(e.held) for e in report.ellipses))], title="said %"
        )


def _expected(report: Report) -> Iterable[str]:
    if (said := report.expected) is not None:
        yield ""
        yield (
            f"expected errors of {said.faces} faces, in % of the box's longer side: mean "
            f"{percent(said.expected)}, true {percent(said.true)}; Spearman {said.spearman:.2f}; "
            f"area under risk and coverage {percent(said.aurc)}, at best {percent(said.least_aurc)}"
            + ("" if math.isnan(said.scores_aurc) else f", by scores {percent(said.scores_aurc)}")
        )


def _quitting(report: Report) -> Iterable[str]:
    if report.quitting:
        yield ""
        yield "quitting: a face is done if less error is expected after the first step, the second"
        yield "and so on, in % as above"
        yield from table(quitting_heads(report), quitting_rows(report), title="below %")


def quitting_heads(report: Report) -> tuple[str, ...]:
    """The columns of the table of thresholds, but for the thresholds themselves."""
    steps = range(1, len(report.quitting[0].shares) + 1)
    shares = (f"step {number} %" for number in steps)
    return ("mean steps", *shares, "multiply-adds, M", "NME %")


def quitting_rows(report: Report) -> list[tuple[str, tuple[str, ...]]]:
    """The table of thresholds, one each."""
    return [
        (
            " ".join(f"{100 * b:.4g}" if math.isfinite(b) else "all" for b in row.below),
            (
                f"{row.mean_steps:.2f}",
                *map(percent, row.shares),
                f"{row.multiply_adds / 1e6:.1f}" if math.isfinite(row.multiply_adds) else "-",
                percent(row.nme),
            ),
        )
        for row in report.quitting
    ]


def _foot(report: Report) -> Iterable[str]:
    yield ""
    if report.ms_per_face is not None:
        yield f"{report.ms_per_face:.1f} ms a face"
    if report.command:
        yield f"made by: {report.command}"

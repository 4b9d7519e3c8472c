"""The pages of several models: on the same faces, in ever worse boxes, and covered ever more."""

from collections.abc import Sequence

from canthus.evaluation import occlusion, words
from canthus.evaluation.charts import Curve, Line, ced_chart, sweep_chart
from canthus.evaluation.comparison import Comparison, Scored
from canthus.evaluation.sections import Chart, Section, Table, render_models
from canthus.evaluation.sweep import LABELS, SETTINGS, Kind, Sweep
from canthus.evaluation.tables import percent
from canthus.metrics import Paired

HOW = (
    "Differences are the first model's figure minus the second's, over the same faces: of the mean "
    "error over the faces that both found, of the rest over all. Intervals are those in which 95 % "
    "of 1000 bootstrap samples fall; p is that of a sign-flip permutation test of the mean errors."
)


def curve_of(scored: Scored) -> Curve:
    """The cumulative error curve of a report, under its model's name."""
    return Curve(scored.label, scored.errors)


def of_comparison(compared: Comparison) -> str:
    """The page of models on the same faces: one file of HTML that needs no other."""
    first = compared.scored[0]
    label = f"error by {first.normalizer}"
    chart = ced_chart([curve_of(each) for each in compared.scored], first.threshold, label)
    sections = [
        Section("Figures", tables=[_figures(compared)]),
        Section("Cumulative error", charts=[Chart(chart)]),
        Section("Face by face", (HOW,), tables=[_pairs(compared)]),
        *_made_by(compared.command, compared.version),
    ]
    lead = (
        f"{len(first.errors)} faces of {first.benchmark}. Errors are divided by "
        f"{words.normalizer(first.normalizer)} ({first.normalizer}); a face has failed above "
        f"{100 * first.threshold:g} %, or if it was missed.",
    )
    title = " and ".join(dict.fromkeys(each.model for each in compared.scored))
    return render_models(f"{title} on {first.benchmark}", sections, lead)


def _made_by(command: str, version: str) -> list[Section]:
    """What made a page, if that is known."""
    if not command:
        return []
    return [Section("Made by", facts=[("Command", command), ("Version", f"Canthus {version}")])]


def _figures(compared: Comparison) -> Table:
    rows = [
        (
            scored.label,
            str(summary.missed),
            *(
                words.with_interval(getattr(summary, name), summary.intervals.get(name))
                for name in ("nme", "failure_rate", "auc")
            ),
        )
        for scored, summary in zip(compared.scored, compared.summaries, strict=True)
    ]
    return Table("Each model", ("model", "missed", "NME %", "failed %", "AUC %"), rows)


def _pairs(compared: Comparison) -> Table:
    rows = [
        (
            f"{compared.scored[i].label} minus {compared.scored[j].label}",
            *(_difference(paired, name) for name in ("nme", "failure_rate", "auc")),
            f"{paired.p_value:.2g}",
            percent(paired.first_better),
            percent(paired.second_better),
        )
        for i, j, paired in compared.pairs
    ]
    heads = ("pair", "NME", "failed", "AUC", "p", "first better %", "second better %")
    return Table("Differences in percentage points", heads, rows)


def _difference(paired: Paired, name: str) -> str:
    low, high = (f"{100 * value:+.2f}" for value in paired.intervals[name])
    return f"{100 * getattr(paired, name):+.2f} ({low} to {high})"


def of_sweeps(sweeps: Sequence[Sweep], command: str = "", version: str = "") -> str:
    """The page of box robustness: one curve per model in each chart, no other file needed.

    Args:
        sweeps: a model each, on the same benchmark.
        command: that made them.
        version: of Canthus.
    """
    first = sweeps[0]
    sections = [*(_swept(sweeps, kind) for kind in SETTINGS), *_made_by(command, version)]
    lead = (
        f"{first.faces} faces of {first.benchmark}, evenly chosen, in boxes that depart from the "
        f"true ones. Errors are divided by {words.normalizer(first.normalizer)} "
        f"({first.normalizer}) of the face as it was; a face has failed above "
        f"{100 * first.threshold:g} %. A shift is in eight directions, a turn to either side.",
    )
    title = f"Wrong boxes: {', '.join(sweep.model for sweep in sweeps)} on {first.benchmark}"
    return render_models(title, sections, lead)


def _swept(sweeps: Sequence[Sweep], kind: Kind) -> Section:
    """The charts and the table of one kind of departure."""
    settings = SETTINGS[kind]
    errors = [Line(s.model, settings, [100 * v for v in s.series[kind].nme]) for s in sweeps]
    failed = [
        Line(s.model, settings, [100 * v for v in s.series[kind].failure_rate]) for s in sweeps
    ]
    rows = [(sweep.model, *(f"{percent(v)}" for v in sweep.series[kind].nme)) for sweep in sweeps]
    heads = ("NME %", *(f"{setting:g}" for setting in settings))
    return Section(
        LABELS[kind][0].upper() + LABELS[kind][1:],
        tables=[Table(f"Mean error by the {LABELS[kind]}", heads, rows)],
        charts=[
            Chart(sweep_chart(errors, LABELS[kind], "mean error, %"), "Mean error"),
            Chart(sweep_chart(failed, LABELS[kind], "failed, %"), "Failed faces"),
        ],
    )


def of_occlusions(
    found: Sequence[occlusion.Occlusion], command: str = "", version: str = ""
) -> str:
    """The page of covered faces: one curve per model in each chart, no other file needed.

    Args:
        found: a model each, on the same benchmark.
        command: that made them.
        version: of Canthus.
    """
    first = found[0]
    lead = (
        f"{first.faces} faces of {first.benchmark}, evenly chosen, behind patches at {first.draws} "
        "places each: of one color, of another picture, or of noise. Errors are divided by "
        f"{words.normalizer(first.normalizer)} ({first.normalizer}); a face has failed above "
        f"{100 * first.threshold:g} %.",
    )
    errors = {
        "All landmarks": [each.nme for each in found],
        "Landmarks under the patch": [each.hidden for each in found],
        "Landmarks beside the patch": [each.seen for each in found],
    }
    sections = [_covered(found, name, values) for name, values in errors.items()]
    failed = _covered_chart(found, [each.failure_rate for each in found], "failed, %")
    sections.append(Section("Failed faces", charts=[failed]))
    title = f"Covered faces: {', '.join(each.model for each in found)} on {first.benchmark}"
    return render_models(title, [*sections, *_made_by(command, version)], lead)


def _covered(
    found: Sequence[occlusion.Occlusion], name: str, errors: Sequence[Sequence[float]]
) -> Section:
    """The chart and the table of some landmarks' mean errors."""
    pairs = zip(found, errors, strict=True)
    rows = [(each.model, *(percent(value) for value in values)) for each, values in pairs]
    heads = ("NME %", *(f"{100 * share:g}" for share in found[0].shares))
    table = Table(f"Mean error by the {occlusion.LABEL}", heads, rows)
    return Section(name, tables=[table], charts=[_covered_chart(found, errors, "mean error, %")])


def _covered_chart(
    found: Sequence[occlusion.Occlusion], values: Sequence[Sequence[float]], label: str
) -> Chart:
    """Values at each share that is covered, a line per model."""
    lines = [
        Line(each.model, [100 * share for share in each.shares], [100 * value for value in some])
        for each, some in zip(found, values, strict=True)
    ]
    return Chart(sweep_chart(lines, occlusion.LABEL, label))

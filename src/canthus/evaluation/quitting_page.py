"""What the page of an evaluation says of expected errors, and of faces that quit."""

import math
from collections.abc import Iterator

from canthus.evaluation.charts import Line, sweep_chart
from canthus.evaluation.report import ExpectedErrors, Report
from canthus.evaluation.sections import Chart, Section, Table
from canthus.evaluation.tables import percent
from canthus.evaluation.text import quitting_heads, quitting_rows


def sections_of(report: Report) -> Iterator[Section]:
    """A section on expected errors, and one on quitting, where there is something to say."""
    if report.expected is not None:
        yield _expected(report.expected)
    if report.quitting:
        yield _quitting(report)


def _expected(said: ExpectedErrors) -> Section:
    rows = [
        ("faces found", str(said.faces)),
        ("mean expected error, %", percent(said.expected)),
        ("mean true error, %", percent(said.true)),
        ("Spearman coefficient of both", f"{said.spearman:.2f}"),
        ("area under the risk-coverage curve, %", percent(said.aurc)),
        ("that area, were the true errors known, %", percent(said.least_aurc)),
    ]
    if math.isfinite(said.scores_aurc):
        rows.append(("that area by the mean of a face's scores, %", percent(said.scores_aurc)))
    text = (
        "In percent of the longer side of the face's box. The area is the mean error of the faces "
        "of which the least is expected, over all shares of them."
    )
    table = Table("What is expected, and what is true", ("", "value"), rows)
    return Section("What the expected errors are worth", (text,), tables=[table])


def _quitting(report: Report) -> Section:
    rows = [(name, *cells) for name, cells in quitting_rows(report)]
    heads = ("below %", *quitting_heads(report))
    steps = [row.mean_steps for row in report.quitting]
    costs, title = steps, "mean steps"
    if all(math.isfinite(row.multiply_adds) for row in report.quitting):
        costs = [row.multiply_adds / 1e6 for row in report.quitting]
        title = "mean multiply-adds, millions"
    line = Line("all thresholds", costs, [100 * row.nme for row in report.quitting])
    text = (
        "A face is done if less error is expected of it after the first step, the second and so "
        "on, in percent of the longer side of its box. Each row is an evaluation of its own, of "
        "all faces."
    )
    return Section(
        "What quitting costs",
        (text,),
        tables=[Table("Steps and errors by the threshold", heads, rows)],
        charts=[Chart(sweep_chart([line], title, f"NME by {report.normalizer}, %"))],
    )

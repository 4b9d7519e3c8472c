"""What the page of an evaluation says of expected errors, and of faces that quit."""

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
    line = Line("all thresholds", steps, [100 * row.nme for row in report.quitting])
    text = (
        "A face is done after a step of which less error is expected, in percent of the longer "
        "side of its box. Each threshold is an evaluation of its own, of all faces."
    )
    return Section(
        "What quitting costs",
        (text,),
        tables=[Table("Steps and errors by the threshold", heads, rows)],
        charts=[Chart(sweep_chart([line], "mean steps", f"NME by {report.normalizer}, %"))],
    )

"""What was scored and how, in words, for people who were not there."""

from collections.abc import Mapping

from canthus.evaluation.report import Report
from canthus.evaluation.tables import percent

NORMALIZERS: Mapping[str, str] = {
    "inter_ocular": "the distance between the outer corners of the eyes",
    "inter_pupil": "the distance between the pupils, or between the means of the eyes' outlines",
    "corner_mid": "the distance between the middles of each eye's corners",
    "eye_centers": "the distance between the eyes' centers, as marked or between their corners",
    "box_size": "the square root of the area of the tight box around the true points",
    "box_diagonal": "the diagonal of the tight box around the true points",
    "box_side": "the longer side of the tight box around the true points",
    "given_box_size": "the square root of the area of the box that came with the face",
    "given_box_diagonal": "the diagonal of the box that came with the face",
    "given_box_side": "the longer side of the box that came with the face",
    "given": "the length that came with the predictions",
}

BOXES: Mapping[str, str] = {
    "truth": "the data set's own",
    "jitter": "the data set's own, shifted and scaled at random (seed {seed})",
    "detector": "none: it had to find the faces; the one that fits the truth best counts",
    "file": "unknown: the predictions come from a file",
}

AREAS: Mapping[str, str] = {
    "step_sum": "mean of the shares at equal steps",
    "trapezoid": "trapezoids from 0.005 on in steps of 0.005; what lies below is left out",
    "simpson": "Simpson's rule over steps of 0.0001",
    "histogram": "trapezoids over 10,000 bins between the smallest and the largest error",
}

CONVERSIONS: Mapping[str, str] = {
    "exact": "the same physical points, reordered or averaged by definition",
    "partial": "exact, but points that the model does not answer are not scored",
    "blend": "a fixed mix of neighboring points: not to be compared with native answers",
    "approx": "the nearest counterparts: not to be compared with native answers",
}

AREA = (
    "exact area under the cumulative error curve from 0 to the threshold, divided by the "
    "threshold: the mean over faces of max(0, 1 - error / threshold); a missed face adds 0"
)
SEPARATE = (
    "The mean over bins counts each bin alike, however many faces it has, and its deviation is "
    "that of the bins' means. It is another figure than the mean over faces, and neither may "
    "stand for the other."
)


def facts_of(report: Report) -> list[tuple[str, str]]:
    """What a reader needs to judge the figures, each with its name."""
    facts = [
        ("Model", report.model or "not named"),
        ("Data", f"{report.title} ({report.benchmark})"),
        ("Faces", _faces(report)),
        ("Boxes given", BOXES.get(report.boxes, report.boxes).format(seed=report.seed)),
        ("Landmarks", _landmarks(report)),
        ("Error of a face", _error(report)),
        ("Failed", f"an error above {100 * report.threshold:g} %, or missed"),
        ("AUC", AREA),
        *_other_areas(report),
        ("Intervals", _intervals(report)),
        ("Percentiles", "of all faces, those missed included"),
        ("Time", _time(report)),
    ]
    facts += [("Note", note) for note in report.notes]
    facts += [("Command", report.command)] if report.command else []
    return facts + ([("Version", f"Canthus {report.version}")] if report.version else [])


def normalizer(name: str) -> str:
    """What a normalizer divides by; its name where nobody has put that into words."""
    return NORMALIZERS.get(name, name)


def _faces(report: Report) -> str:
    every = report.headline
    if not every.missed:
        return f"{every.faces}, all of them found"
    return (
        f"{every.faces}, {every.missed} of them missed: an infinite error, which counts as failed "
        "and in the AUC and the percentiles, and has no place in the mean error"
    )


def _landmarks(report: Report) -> str:
    if not report.conversion:
        return f"scheme {report.scheme}, {len(report.landmarks)} points"
    return (
        f"scheme {report.scheme}, {len(report.landmarks)} points; the answers were converted from "
        f"scheme {report.model_scheme} ({report.conversion}: "
        f"{CONVERSIONS.get(report.conversion, 'see the documentation')})"
    )


def _error(report: Report) -> str:
    return (
        "the mean distance of its landmarks from the truth, divided by "
        f"{normalizer(report.normalizer)} ({report.normalizer}); NME is the mean over the faces "
        "that were found"
    )


def _other_areas(report: Report) -> list[tuple[str, str]]:
    told = [f"{name}: {AREAS.get(name, 'see the documentation')}" for name in report.areas]
    return [("Other areas", "; ".join(told))] if told else []


def _intervals(report: Report) -> str:
    if not report.headline.intervals:
        return "none were made"
    groups = [face.sample.group for face in report.faces]
    whole = all(groups) and len(set(groups)) < len(groups)
    drawn = f"the {len(set(groups))} whole groups (photos or people)" if whole else "faces"
    return f"those in which 95 % of the bootstrap samples over {drawn} fall, in parentheses"


def _time(report: Report) -> str:
    if report.ms_per_face is None:
        return "not measured: the answers come from elsewhere"
    return f"{report.ms_per_face:.1f} ms a face, without reading the picture"


def with_interval(value: float, interval: tuple[float, float] | None) -> str:
    """A fraction in percent, and its interval in parentheses if there is one."""
    return percent(value) if interval is None else f"{percent(value)} ({between(interval)})"


def between(interval: tuple[float, float]) -> str:
    """An interval of fractions in percent."""
    low, high = map(percent, interval)
    return f"{low} to {high}"

"""What a weights file says of itself."""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from functools import cached_property

from canthus.errors import DatasetError, WeightsError
from canthus.faces import SCHEMES, LandmarkScheme, scheme_of

KEY = "canthus"  # of the metadata, in ONNX and in safetensors alike
SCHEMA = 1
FLOAT32, INT8 = "float32", "int8"


@dataclass(frozen=True)
class Figure:
    """One measured number, and the command that measures it again.

    Attributes:
        metric: what was measured, with its normalizer or unit: "nme inter_ocular", "cpu_ms".
        benchmark: on which faces, from whose boxes.
        value: a fraction, or in the unit that the metric names.
    """

    metric: str
    benchmark: str
    value: float
    command: str


@dataclass(frozen=True)
class Quitting:
    """What a threshold of quitting does, on the faces that a training kept apart.

    Attributes:
        below: for each step but the last: a face is done if less error is expected after it; see
            `Face`.
        shares: of the faces that are done after the first step, the second and so on.
        error: their mean error then, in longer sides of the tight box.
    """

    below: tuple[float, ...]
    shares: tuple[float, ...]
    error: float


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What one needs to know of weights to run them, to judge them and to make them again.

    Attributes:
        name: what users call the model.
        family: the family of models it is of.
        scheme: the name of the landmark scheme it answers in.
        own_scheme: what that scheme is, as the plain values of a scheme file; empty if it is a
            known one.
        crop_size: side of the square crop it sees, in pixels.
        crop_scale: side of that crop over the longer side of the tight box around the landmarks.
        license: under which terms the weights may be used, in words.
        data: the data sets it has learned from.
        recipe: the training, as plain values.
        figures: what was measured of it.
        precision: of its convolutions: "float32", or "int8" in all but the first, the last and
            those in branches.
        calibrated_on: how many pictures the ranges of 8-bit numbers were chosen by.
        quitting: what several thresholds do, where faces can quit.
        step_costs: multiply-adds of a face that is done after the first step, the second and so
            on, where faces can quit.
        version: of the Canthus that wrote the file.
        created: when, as ISO 8601.
    """

    name: str
    family: str
    scheme: str
    crop_size: int
    crop_scale: float
    own_scheme: Mapping[str, object] = field(default_factory=dict)
    license: str = ""
    data: tuple[str, ...] = ()
    recipe: Mapping[str, object] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    precision: str = FLOAT32
    calibrated_on: int = 0
    quitting: tuple[Quitting, ...] = ()
    step_costs: tuple[int, ...] = ()
    version: str = ""
    created: str = ""
    schema: int = SCHEMA

    @cached_property
    def landmark_scheme(self) -> LandmarkScheme:
        """The landmark scheme it answers in: a known one, or one's own."""
        if not self.own_scheme:
            return scheme_of(self.scheme)
        from canthus.faces.scheme_files import scheme_of_values  # most models need none

        return scheme_of_values(self.own_scheme, f"{self.name}: own_scheme")

    def to_json(self) -> str:
        """The text that a weights file carries, and that `from_json` takes back."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str, where: str) -> "Manifest":
        """Read and check the text that a weights file carries.

        Args:
            text: what `to_json` wrote.
            where: the file's name, for the error.

        Raises:
            WeightsError: naming the file, and the entry that is not what it should be.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise WeightsError(f"{where}: its manifest is not JSON: {error}") from None
        if not isinstance(values, dict):
            raise WeightsError(
                f"{where}: its manifest should have keys and values, found {text:.60}"
            )
        if values.get("schema") != SCHEMA:
            raise WeightsError(
                f"{where}: its manifest has schema {values.get('schema')!r}, this Canthus reads "
                f"{SCHEMA}; update Canthus, or export the model again"
            )
        _check_keys(values, where)
        values["data"] = tuple(values.get("data", ()))
        values["figures"] = tuple(Figure(**figure) for figure in values.get("figures", ()))
        values["step_costs"] = tuple(values.get("step_costs", ()))
        values["quitting"] = tuple(
            Quitting(tuple(row["below"]), tuple(row["shares"]), row["error"])
            for row in values.get("quitting", ())
        )
        manifest = cls(**values)
        _check_scheme(manifest, where)
        return manifest


def _is_figures(value: object) -> bool:
    names = {entry.name for entry in fields(Figure)}
    return isinstance(value, list) and all(
        isinstance(figure, dict)
        and set(figure) == names
        and isinstance(figure["value"], (int, float))
        for figure in value
    )


def _is_quitting(value: object) -> bool:
    names = {entry.name for entry in fields(Quitting)}
    return (
        isinstance(value, list)
        and all(isinstance(row, dict) and set(row) == names for row in value)
        and all(_is_number(row["error"]) for row in value)
        and all(_is_shares(row["shares"], value[0]["shares"]) for row in value)
        and all(_is_below(row["below"], value[0]["shares"]) for row in value)
    )


def _is_shares(value: object, first: object) -> bool:
    return (
        isinstance(value, list)
        and isinstance(first, list)
        and len(value) == len(first) > 0
        and all(map(_is_number, value))
    )


def _is_below(value: object, shares: list[object]) -> bool:
    return isinstance(value, list) and len(value) == len(shares) - 1 and all(map(_is_number, value))


def _is_counts(value: object) -> bool:
    return isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# Written by hand since aligning one picture has no time to import pydantic.
CHECKS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "schema": (_is_number, "a number"),
    "name": (lambda value: _is_text(value) and value != "", "a name"),
    "family": (_is_text, "a text"),
    "scheme": (_is_text, "a name"),
    "own_scheme": (lambda value: isinstance(value, dict), "keys and values"),
    "crop_size": (
        lambda value: isinstance(value, int) and 8 <= value <= 4096,
        "whole pixels from 8 to 4096",
    ),
    "crop_scale": (
        lambda value: isinstance(value, (int, float)) and 0.5 <= value <= 10,
        "a number from 0.5 to 10",
    ),
    "license": (_is_text, "a text"),
    "data": (_is_texts, "a list of texts"),
    "recipe": (lambda value: isinstance(value, dict), "keys and values"),
    "figures": (_is_figures, "a list of metric, benchmark, value and command"),
    "precision": (lambda value: value in (FLOAT32, INT8), f"{FLOAT32} or {INT8}"),
    "calibrated_on": (lambda value: type(value) is int and value >= 0, "a count of pictures"),
    "quitting": (_is_quitting, "a list of below, shares and error, all of as many steps"),
    "step_costs": (_is_counts, "a list of counts"),
    "version": (_is_text, "a text"),
    "created": (_is_text, "a text"),
}


def _check_keys(values: Mapping[str, object], where: str) -> None:
    needed = {
        entry.name
        for entry in fields(Manifest)
        if entry.default is MISSING and entry.default_factory is MISSING
    }
    if missing := sorted(needed - set(values)):
        raise WeightsError(f"{where}: its manifest lacks {', '.join(missing)}")
    for key, value in values.items():
        if key not in CHECKS:
            raise WeightsError(f"{where}: its manifest has the unknown entry {key!r}")
        fits, wanted = CHECKS[key]
        if not fits(value):
            raise WeightsError(f"{where}: its {key} should be {wanted}, found {value!r:.60}")


def _check_scheme(manifest: Manifest, where: str) -> None:
    """The scheme is a known one, or one that the manifest holds."""
    if not manifest.own_scheme and manifest.scheme not in tuple(SCHEMES):
        known = ", ".join(SCHEMES)
        raise WeightsError(
            f"{where}: its scheme should be one of {known}, found {manifest.scheme!r:.60}"
        )
    try:
        found = manifest.landmark_scheme.name
    except DatasetError as error:
        raise WeightsError(f"{where}: {error}") from None
    if found != manifest.scheme:
        raise WeightsError(
            f"{where}: its own_scheme should be {manifest.scheme!r:.60}, found {found!r:.60}"
        )

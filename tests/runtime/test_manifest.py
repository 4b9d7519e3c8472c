"""What weights say of themselves, as text and back."""

import dataclasses
import json

import pytest

from canthus.errors import WeightsError
from canthus.runtime import Figure, Manifest
from canthus.runtime.manifest import Quitting

FULL = Manifest(
    name="hourglass",
    family="hourglass",
    scheme="68",
    crop_size=128,
    crop_scale=1.3,
    license="research only",
    data=("300w", "ytf68"),
    recipe={"model": {"family": "hourglass"}, "schedule": {"steps": 10}},
    figures=(Figure("nme inter_ocular", "300w val", 0.036, "canthus evaluate"),),
    quitting=(Quitting((0.0,), (0.0, 1.0), 0.03), Quitting((0.05,), (0.75, 0.25), 0.04)),
    step_costs=(2000, 3000),
    version="0.1.0",
    created="2026-01-01T00:00:00Z",
)


def test_a_manifest_survives_its_text() -> None:
    assert Manifest.from_json(FULL.to_json(), "x.onnx") == FULL


def test_only_what_running_needs_must_be_said() -> None:
    plain = Manifest(name="a", family="b", scheme="5", crop_size=64, crop_scale=1.5)
    needed = {"schema", "name", "family", "scheme", "crop_size", "crop_scale"}
    values = {key: dataclasses.asdict(plain)[key] for key in needed}
    assert Manifest.from_json(json.dumps(values), "x.onnx") == plain


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""),
        ("name", 5),
        ("scheme", "69"),
        ("scheme", ["68"]),
        ("crop_size", 128.0),
        ("crop_size", 100_000_000),
        ("crop_size", True),
        ("crop_scale", "1.3"),
        ("crop_scale", float("nan")),
        ("crop_scale", -1),
        ("license", None),
        ("quitting", [{"below": 0.1, "shares": [1.0]}]),
        ("quitting", [{"below": 0.1, "shares": [], "error": 0.1}]),
        ("quitting", [{"below": "0.1", "shares": [1.0], "error": 0.1}]),
        ("data", "300w"),
        ("data", [1]),
        ("recipe", []),
        ("figures", [{"metric": "nme"}]),
        ("figures", [5]),
        ("precision", "int4"),
        ("precision", ["int8"]),
        ("calibrated_on", -1),
        ("calibrated_on", True),
        ("colour", "red"),
    ],
)
def test_an_entry_that_is_wrong_is_named_with_its_file(key: str, value: object) -> None:
    text = json.dumps({**dataclasses.asdict(FULL), key: value})
    with pytest.raises(WeightsError, match=rf"x\.onnx.*{key}"):
        Manifest.from_json(text, "x.onnx")


def test_a_missing_entry_is_named() -> None:
    values = dataclasses.asdict(FULL)
    del values["scheme"]
    with pytest.raises(WeightsError, match="lacks scheme"):
        Manifest.from_json(json.dumps(values), "x.onnx")


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_another_schema_asks_for_another_canthus(schema: object) -> None:
    text = json.dumps({**dataclasses.asdict(FULL), "schema": schema})
    with pytest.raises(WeightsError, match="update Canthus"):
        Manifest.from_json(text, "x.onnx")


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", "[" * 100_000])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(WeightsError, match=r"x\.onnx: its manifest"):
        Manifest.from_json(text, "x.onnx")


OWN: dict[str, object] = {"name": "mine", "num_landmarks": 2, "parts": {"eyes": [0, 1]}}


def test_weights_carry_a_scheme_of_ones_own() -> None:
    own = dataclasses.replace(FULL, scheme="mine", own_scheme=OWN)

    found = Manifest.from_json(own.to_json(), "x.onnx")

    assert found.landmark_scheme.num_landmarks == 2


@pytest.mark.parametrize(
    ("name", "own"),
    [("68", OWN), ("mine", {}), ("mine", {**OWN, "parts": {}}), ("68", {"name": "68"})],
)
def test_a_scheme_that_is_not_what_it_is_called_is_refused(
    name: str, own: dict[str, object]
) -> None:
    text = dataclasses.replace(FULL, scheme=name, own_scheme=own).to_json()

    with pytest.raises(WeightsError, match=r"x\.onnx"):
        Manifest.from_json(text, "x.onnx")

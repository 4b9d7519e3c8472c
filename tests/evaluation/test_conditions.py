"""Under which conditions a face was found."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.evaluation import Benchmark, evaluate
from canthus.evaluation.conditions import blur_of, conditions_of, with_blur
from canthus.geometry import Box
from canthus.images.degrade import blur

Fake = Callable[..., Any]
NOISE = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
WHOLE = Box(-0.5, -0.5, 127.5, 127.5)


def test_a_blurred_picture_is_more_blurred() -> None:
    levels = [blur_of(blur(NOISE, sigma), WHOLE) for sigma in (0.5, 1, 2, 4)]
    assert levels == sorted(levels)
    assert blur_of(NOISE, WHOLE) < levels[0]


def test_blur_is_that_of_the_face_not_of_what_is_behind() -> None:
    image = NOISE.copy()
    image[32:96, 32:96] = blur(NOISE, 3)[32:96, 32:96]
    assert blur_of(image, Box(40, 40, 88, 88)) > blur_of(image, WHOLE)


def test_a_flat_picture_has_a_blur_too() -> None:
    assert np.isfinite(blur_of(np.zeros((64, 64, 3), np.uint8), Box(10, 10, 50, 50)))


def test_the_scale_of_the_box_is_against_the_data_sets(benchmark: Benchmark) -> None:
    sample = benchmark.samples[0]
    known = conditions_of(sample, sample.box.scaled(1.2), None)
    assert known["box_scale"] == pytest.approx(1.2)
    assert known["face_size"] == sample.box.side
    assert set(known) == {"box_scale", "face_size"}


def test_yaw_is_known_where_the_data_set_says_it(benchmark: Benchmark) -> None:
    sample = replace(benchmark.samples[0], yaw_deg=-40.0)
    assert conditions_of(sample, None, 1.5)["yaw_deg"] == -40
    assert conditions_of(sample, None, 1.5)["blur"] == 1.5


def test_a_model_is_scored_with_the_blur_of_its_pictures(fake: Fake, benchmark: Benchmark) -> None:
    report = evaluate(fake(), benchmark)
    assert all("blur" in face.conditions for face in report.faces)


def test_blur_is_added_where_the_picture_is_there(fake: Fake, benchmark: Benchmark) -> None:
    report = evaluate(fake(), benchmark)
    first, second = (replace(face, conditions={}) for face in report.faces[:2])
    gone = replace(second, sample=replace(second.sample, image=Path("nowhere.jpg")))
    known = with_blur(replace(report, faces=(first, gone))).faces
    assert known[0].conditions["blur"] == report.faces[0].conditions["blur"]
    assert known[1].conditions == {}

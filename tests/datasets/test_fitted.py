from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample, fitted
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Fit, Landmarks
from canthus.geometry import Box


def sample(name: str) -> Sample:
    marked = Landmarks(np.full((21, 2), np.nan), SCHEMES["21"])
    return Sample(Path("images") / name, Box(0, 0, 9, 9), marked, name=name, group=name)


def faces() -> tuple[list[Sample], list[np.ndarray], list[Fit | None]]:
    rng = np.random.default_rng(0)
    points = [rng.uniform(10, 90, (68, 2)).round(2) for _ in range(3)]
    fits = [Fit(rng.normal(size=(3, 4)), rng.normal(size=5)) for _ in range(3)]
    return [sample(f"{name}.jpg") for name in "abc"], points, [fits[0], None, fits[2]]


def test_fits_and_landmarks_come_back_and_a_face_without_one_is_left_out(tmp_path: Path) -> None:
    samples, points, fits = faces()
    fitted.write(tmp_path / "fits.csv", samples, points, fits)

    first, last = fitted.read(tmp_path / "fits.csv", samples)

    assert (first.name, last.name) == ("a.jpg", "c.jpg")
    for found, wanted, fit in ((first, points[0], fits[0]), (last, points[2], fits[2])):
        assert found.landmarks.scheme.name == "68"
        np.testing.assert_allclose(found.landmarks.points, wanted, atol=1e-5)
        assert found.box.as_tuple() == pytest.approx(
            (*wanted.min(axis=0), *wanted.max(axis=0)), abs=1e-4
        )
        assert found.fit is not None
        assert fit is not None
        np.testing.assert_allclose(found.fit.camera, fit.camera, rtol=1e-5)
        np.testing.assert_allclose(found.fit.shape, fit.shape, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda text: text.replace("a.jpg", "z.jpg"),
            "2: expected the face 'a.jpg', found 'z.jpg'",
        ),
        (lambda text: text.replace("c11", "c12"), "1: expected columns image, scheme, x0"),
        (lambda text: text.rsplit("\n", 2)[0] + "\n", "expected 3 faces as the data set has"),
        (lambda text: text.replace("a.jpg,68", "a.jpg,98"), "2: expected scheme 68"),
        (lambda text: text.replace("b.jpg,68", "b.jpg,68,7"), "3: expected scheme 68 and 153"),
    ],
)
def test_a_table_of_something_else_is_named_with_its_line(
    change: object, said: str, tmp_path: Path
) -> None:
    samples, points, fits = faces()
    path = tmp_path / "fits.csv"
    fitted.write(path, samples, points, fits)
    path.write_text(change(path.read_text()))  # type: ignore[operator]

    with pytest.raises(DatasetError, match=said):
        fitted.read(path, samples)


def test_nothing_but_faces_without_fits_is_refused(tmp_path: Path) -> None:
    samples, points, fits = faces()
    with pytest.raises(ValueError, match="expected fits of one face model"):
        fitted.write(tmp_path / "fits.csv", samples, points, [None, None, None])
    assert not (tmp_path / "fits.csv").exists()
    fitted.write(tmp_path / "fits.csv", samples[:2], points[:2], fits[:2])
    text = (tmp_path / "fits.csv").read_text().splitlines()
    (tmp_path / "fits.csv").write_text(f"{text[0]}\n{text[2]}\n")
    with pytest.raises(DatasetError, match="expected faces with fits, found none"):
        fitted.read(tmp_path / "fits.csv", samples[1:2])

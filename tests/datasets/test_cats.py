import numpy as np

from canthus.datasets import cats
from canthus.datasets.cats import SCHEME, Cat, points_of


def test_a_cat_is_the_same_in_the_mirror() -> None:
    grey = (90.0, 90.0, 90.0)
    points = points_of(Cat((grey, grey), grey, ears=0.9, apart=0.6, cheek=0.8, open=0.1))

    np.testing.assert_allclose(points[list(SCHEME.mirror)] * (-1, 1, 1), points)


def test_a_nose_is_painted_where_its_points_are() -> None:
    cat = cats.random_cat(np.random.default_rng(1))
    face = cats.draw(cat, np.random.default_rng(2), size=400)

    nose = face.landmarks.part("nose").mean(axis=0)
    red, green, _ = face.image[round(float(nose[1])), round(float(nose[0]))].astype(int)

    assert red > green + 30


def test_landmarks_are_in_the_picture() -> None:
    generator = np.random.default_rng(3)

    faces = [cats.draw(cats.random_cat(generator), generator, size=96) for _ in range(20)]

    assert all((f.landmarks.points >= 0).all() and (f.landmarks.points <= 95).all() for f in faces)

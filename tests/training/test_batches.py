from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from canthus.datasets import Sample
from canthus.datasets.annotations import hold_out
from canthus.datasets.pictures import read_picture
from canthus.errors import RecipeError
from canthus.faces import SCHEMES, Fit, Landmarks
from canthus.faces.face_model import open_face_model
from canthus.geometry import Similarity
from canthus.images import warp
from canthus.models import TddfaConfig
from canthus.training.batches import Batches
from canthus.training.labels import Labeler
from canthus.training.recipe import AugmentConfig, CropConfig, Recipe


def batches_of(samples: list[Sample], recipe: Recipe) -> Batches:
    return Batches([samples], recipe, Labeler("68", ("68",)))


def seen(samples: list[Sample], recipe: Recipe, epochs: range) -> Counter[str]:
    batches = batches_of(samples, replace(recipe, schedule=replace(recipe.schedule, batch_size=1)))
    first, last = epochs.start * batches.epoch_size, epochs.stop * batches.epoch_size
    return Counter(batches[number].names[0] for number in range(first, last))


def repeated(recipe: Recipe, repeat: float) -> Recipe:
    return replace(recipe, data=(replace(recipe.data[0], repeat=repeat),))


def test_a_batch_is_the_same_whenever_it_is_asked_for(
    samples: list[Sample], recipe: Recipe
) -> None:
    first, again = batches_of(samples, recipe), batches_of(samples, recipe)
    for number in range(3):
        first[number]

    assert first[3].names == again[3].names
    assert torch.equal(first[3].crops, again[3].crops)
    assert torch.equal(first[3].target.points, again[3].target.points)


def test_another_seed_makes_other_batches(samples: list[Sample], recipe: Recipe) -> None:
    other = replace(recipe, schedule=replace(recipe.schedule, seed=1))

    assert not torch.equal(
        batches_of(samples, recipe)[0].crops, batches_of(samples, other)[0].crops
    )


def test_a_set_without_faces_left_takes_no_part(samples: list[Sample], recipe: Recipe) -> None:
    both = replace(recipe, data=(recipe.data[0], replace(recipe.data[0], repeat=0.35)))

    batches = Batches([samples, []], both, Labeler("68", ("68",)))

    assert batches.epoch_size == len(samples)
    assert len(batches[0].names) == recipe.schedule.batch_size


def test_an_epoch_shows_every_face_once(samples: list[Sample], recipe: Recipe) -> None:
    counts = seen(samples, recipe, range(1))

    assert sorted(counts) == [str(sample.image) for sample in samples]
    assert set(counts.values()) == {1}


def test_a_repeated_set_is_shown_as_often_as_told(samples: list[Sample], recipe: Recipe) -> None:
    assert set(seen(samples, repeated(recipe, 3), range(1)).values()) == {3}


def test_half_a_set_in_turn_shows_every_face_once_in_two_epochs(
    samples: list[Sample], recipe: Recipe
) -> None:
    assert set(seen(samples, repeated(recipe, 0.5), range(2)).values()) == {1}


def test_crops_are_colors_in_0_to_1_channels_first(samples: list[Sample], recipe: Recipe) -> None:
    crops = batches_of(samples, recipe)[0].crops

    assert crops.shape == (4, 3, 32, 32)
    assert crops.dtype == torch.float32
    assert 0 <= crops.min() < crops.max() <= 1


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_share_a_batch_among_them(
    samples: list[Sample], recipe: Recipe, processes: int
) -> None:
    batches = batches_of(samples, recipe)

    shares = [batches.share(2, process, processes) for process in range(processes)]

    assert torch.equal(torch.cat([share.crops for share in shares]), batches[2].crops)
    assert [name for share in shares for name in share.names] == batches[2].names
    assert batches.names(2) == batches[2].names


def test_a_crop_is_what_the_aligner_would_cut_also_where_the_picture_ends(
    samples: list[Sample], recipe: Recipe
) -> None:
    calm = AugmentConfig(**{f.name: 0.0 for f in fields(AugmentConfig)})
    one = replace(recipe.schedule, batch_size=1)
    # as many pixels as the picture has, so that nothing is blurred on the way
    wide = replace(recipe, crop=CropConfig(size=96, scale=2.0), augment=calm, schedule=one)
    by_name = {str(sample.image): sample for sample in samples}

    for number in range(len(samples)):
        batch = batches_of(samples, wide)[number]
        sample = by_name[batch.names[0]]
        look = Similarity.crop(sample.box.squared().scaled(2.0), wide.crop.size)
        direct = warp.crop(read_picture(sample), look, wide.crop.size)
        cut = 255 * batch.crops[0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(cut, direct, atol=1)
        points = look.apply(sample.landmarks.points)
        np.testing.assert_allclose(batch.target.points[0], points, atol=1e-3)


def test_a_crop_may_go_on_as_in_a_mirror_where_the_picture_ends(
    samples: list[Sample], recipe: Recipe
) -> None:
    wide = replace(recipe, crop=replace(recipe.crop, scale=6.0))
    calm = {f.name: 0.0 for f in fields(AugmentConfig)}

    black = batches_of(samples, replace(wide, augment=AugmentConfig(**calm)))[0]
    mirrored = AugmentConfig(**(calm | {"reflect": 1.0}))
    whole = batches_of(samples, replace(wide, augment=mirrored))[0]

    outside = black.crops[:, :, 0].amax(dim=(1, 2)) == 0  # at the upper edge
    assert outside.any()
    assert (whole.crops[:, :, 0].amax(dim=(1, 2)) > 0).all()
    assert torch.equal(black.target.points, whole.target.points)
    middle = black.crops.shape[-1] // 2
    assert torch.equal(black.crops[..., middle, middle], whole.crops[..., middle, middle])


def test_a_group_is_never_on_both_sides_of_a_hold_out(samples: list[Sample]) -> None:
    pairs = [replace(sample, group=f"person {i // 2}") for i, sample in enumerate(samples * 20)]

    learned, kept = hold_out(pairs, 0.3)

    assert len(learned) + len(kept) == len(pairs)
    assert 0.15 < len(kept) / len(pairs) < 0.45
    assert not {sample.group for sample in learned} & {sample.group for sample in kept}


def fitted(sample: Sample) -> Sample:
    """The face as the open face model has it, turned."""
    model, turn = open_face_model(), np.array([[0.8, 0, 0.6], [0, 1, 0], [-0.6, 0, 0.8]])
    camera = np.column_stack([0.4 * turn * [[1], [-1], [-1]], [*sample.box.center, 5.0]])
    shape = np.random.default_rng(0).normal(0, 8, 50)
    fit = Fit(camera, shape)
    marks = model.keypoints_of(fit.in_picture(model.vertices(shape[:40], shape[40:])))
    return replace(sample, landmarks=Landmarks(marks[:, :2], SCHEMES["68"]), fit=fit)


def test_fitted_faces_cannot_be_bent(samples: list[Sample], recipe: Recipe) -> None:
    own = replace(
        recipe,
        model=TddfaConfig(face_model="open", width=0.25),
        augment=replace(recipe.augment, bend=0.01),
    )

    with pytest.raises(
        RecipeError, match=r"augment\.bend: expected 0 of fitted faces.*found 0\.01"
    ):
        batches_of([fitted(samples[0]), *samples[1:]], own)


def test_bent_faces_are_bent_anew_each_time_and_alike_again(
    samples: list[Sample], recipe: Recipe
) -> None:
    calm = {f.name: 0.0 for f in fields(AugmentConfig)}
    own = replace(recipe, augment=AugmentConfig(**(calm | {"bend": 0.02})))
    straight = batches_of(samples, replace(recipe, augment=AugmentConfig(**calm)))

    first, again, later = (
        batches_of(samples, own)[0],
        batches_of(samples, own)[0],
        batches_of(samples, own),
    )

    assert torch.equal(first.pixels, again.pixels)
    apart = (first.target.points - straight[0].target.points).norm(dim=-1)
    assert 0.1 < float(apart.mean()) < 0.1 * own.crop.size
    epoch = later.epoch_size // recipe.schedule.batch_size
    assert not torch.equal(first.target.points, later[epoch].target.points)


def test_a_fit_goes_with_its_landmarks_through_turns_crops_and_mirrors(
    samples: list[Sample], recipe: Recipe
) -> None:
    own = replace(
        recipe,
        model=TddfaConfig(face_model="open", width=0.25),
        augment=AugmentConfig(roll_deg=30, shift=0.1, scale=0.1, wild=0, mirror=0.5),
    )
    some = [fitted(samples[0]), *samples[1:4], fitted(samples[4])]

    batches = batches_of(some, own)
    batch = batches[0]

    model, size = open_face_model(), own.crop.size
    assert batch.target.coefficients is not None
    rows = batch.target.coefficients.numpy()
    known = np.isfinite(rows).all(axis=1)
    assert 1 <= known.sum() <= 2
    for row, points in zip(rows[known], batch.target.points[known].numpy(), strict=True):
        fit = Fit(row[:12].reshape(3, 4), row[12:])
        mesh = fit.in_picture(model.vertices(row[12:52], row[52:]))
        inside = np.abs(points - size / 2).max(axis=1) < size / 2
        wanted = model.keypoints_of(mesh)[:, :2]
        np.testing.assert_allclose(points[inside], wanted[inside], atol=0.02)


def test_a_batch_that_happens_to_show_no_fits_says_so(
    samples: list[Sample], recipe: Recipe
) -> None:
    one = replace(recipe.schedule, batch_size=1)
    alone = replace(recipe, schedule=one, augment=replace(recipe.augment, mirror=0))
    batches = batches_of([fitted(samples[0]), *samples[1:4]], alone)

    found = [batches[number].target.coefficients for number in range(4)]

    assert sorted(int(rows.isnan().sum()) for rows in found if rows is not None) == [0, 62, 62, 62]


def test_without_fits_there_are_no_coefficients(samples: list[Sample], recipe: Recipe) -> None:
    assert batches_of(samples, recipe)[0].target.coefficients is None

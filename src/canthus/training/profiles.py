"""Profiles out of photos: faces turned out of the plane of their pictures.

After Zhu et al., Face Alignment Across Large Poses (CVPR 2016), whose 300W-LP was made so: a face
model is fitted to a photo, carries its pixels as a skin, and turns. Here

- the head goes on behind the face as a surface of its own (`heads`), so that what comes into
  view, the cheek, the ear and the hair, is drawn with the depth that it has;
- the picture around the head stays where it is as far as it can. Only where the head was and no
  longer is, it is drawn out until it reaches below the head's new outline.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canthus.faces import Fit
from canthus.faces.face_model import FaceModel
from canthus.images.arrays import as_image
from canthus.images.raster import rasterize
from canthus.images.warp import resample
from canthus.training.heads import Head

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

STEP_DEG = 12.5  # between the yaws of one face, about
LARGEST_DEG = 90.0
FRONTAL_DEG = 10.0  # who looks ahead like this may be turned to either side
SLACK_DEG = 1e-3  # of a yaw that stays

RAYS = 180  # from the head's axis, along which the picture around it is moved
FINE = 16  # directions between one and the next, in which it moves differently
COARSE = 3  # pixels: how exactly a head's outline is known to them
FULL_DEG = 30.0  # of turning: from here on the hidden margins below are whole
HAIR = 0.12  # of the head's old radius: hair and ears that go out of sight with the far side
UNDER = 0.05  # of its new one: what of the picture is below the head's edge
TORN = 3.0  # pixels between the sources of neighbors: an edge of something in front


def yaws(own_deg: float, generator: np.random.Generator, *, step_deg: float = STEP_DEG) -> Floats:
    """The yaws to which to turn a face: one in each of equal parts of what is left up to 90.

    A face that looks ahead is turned to both sides, each time to one by chance.

    Args:
        own_deg: its own yaw.
        generator: the same state gives the same yaws.
        step_deg: how large the parts are, at most.
    """
    start = abs(own_deg)
    count = max(0, math.ceil((LARGEST_DEG - start) / step_deg))
    turns = start + (np.arange(count) + generator.random(count)) * (LARGEST_DEG - start) / count
    if start < FRONTAL_DEG:
        return turns * generator.choice([-1.0, 1.0], count)
    return turns * math.copysign(1, own_deg)


def turned(
    image: Image, fit: Fit, model: FaceModel, yaw_deg: float, *, head: Head | None = None
) -> tuple[Image, Fit]:
    """A photo whose face looks further to the side, and the face model's fit to it.

    Pitch and roll stay, in the sense of `Pose`; the head turns about an axis between its ears, so
    that nothing but the head moves much.

    Args:
        image: (H, W, 3) uint8.
        fit: of `model` to the face in it.
        model: with triangles.
        yaw_deg: where to look; up to 90 degrees to the side where the face looks already. One
            that looks ahead, within 10 degrees, may be turned to either side.
        head: that of the model, for who turns many faces.

    Raises:
        ValueError: if the face would have to show what the photo does not, the fit is of another
            model, or the array is no picture.
    """
    image, own = as_image(image), fit.pose.yaw_deg
    check_turn(own, yaw_deg)
    head = Head.of(model) if head is None else head
    face = model.shaped(fit.shape)
    axis = head.axis(face)
    answer = _turned(fit, yaw_deg, axis)
    around = head.around(face)
    before, after = fit.in_picture(around), answer.in_picture(around)
    size = (image.shape[1], image.shape[0])
    places = _around(size, head, (before, after), fit.in_picture(axis)[:2], yaw_deg - own)
    raster = rasterize(after, head.triangles, size)
    share = min(1.0, abs(yaw_deg - own) / FULL_DEG)
    colors = head.colored(around, before, share)
    np.copyto(places, raster.interpolated(colors).transpose(2, 0, 1), where=raster.covered)
    return _softened(resample(image, places), places), answer


def check_turn(own_deg: float, yaw_deg: float) -> None:
    """Make sure that a face can be turned so.

    Raises:
        ValueError: if it would have to show what the photo does not.
    """
    ahead = abs(own_deg) < FRONTAL_DEG
    sideways = math.copysign(1, own_deg) * yaw_deg
    further = (abs(sideways) if ahead else sideways) >= abs(own_deg) - SLACK_DEG
    if not further or not abs(yaw_deg) <= LARGEST_DEG:
        wanted = [f"{sign}{abs(own_deg):.1f} to {sign}{LARGEST_DEG:.0f}" for sign in ("", "-")]
        allowed = " or ".join(wanted) if ahead else wanted[own_deg < 0]
        raise ValueError(
            f"yaw_deg: expected {allowed}, since the face looks to {own_deg:.1f} degrees and "
            f"no photo shows what is hidden in it; found {yaw_deg:.1f}"
        )


def _turned(fit: Fit, yaw_deg: float, axis: Floats) -> Fit:
    """The fit after a turn that leaves a point of the model where it is."""
    camera, pose = fit.camera.astype(np.float64), fit.pose
    picture = camera[:, :3] @ pose.rotation.T  # from the viewer's axes to pixels
    linear = picture @ replace(pose, yaw_deg=yaw_deg).rotation
    shift = camera[:, :3] @ axis + camera[:, 3] - linear @ axis
    return Fit(np.column_stack([linear, shift]).astype(np.float32), fit.shape)


def _around(
    size: tuple[int, int],
    head: Head,
    meshes: tuple[NDArray[np.float32], NDArray[np.float32]],
    middle: NDArray[np.float32],
    turn_deg: float,
) -> NDArray[np.float32]:
    """Where the picture around a turned head comes from, for each pixel, (2, H, W).

    Along each ray from the head's axis, what was outside of the old outline is drawn out, or
    pushed together, to what is outside of the new one; the picture's border stays.

    Args:
        size: width and height of the picture.
        head: whose triangles the meshes have.
        meshes: before and after the turn, in pixels.
        middle: where the axis is, (2,).
        turn_deg: how far the yaw grows.
    """
    old, new = (_radii(mesh, head.triangles, size, middle) for mesh in meshes)
    ray = np.arange(RAYS, dtype=np.float64) * (2 * np.pi / RAYS)
    amount = min(1.0, abs(turn_deg) / FULL_DEG)
    far = amount * np.clip(-np.sign(turn_deg) * 1.5 * np.cos(ray), 0, 1)
    start = old * (1 + HAIR * far)
    inner = np.minimum((1 - UNDER * amount) * new, start)
    end = np.maximum(_to_border(ray, size, middle), 1.02 * np.maximum(start, inner) + 1)
    growth = (end - start) / (end - inner)
    x, y = (np.arange(side, dtype=np.float32) - at for side, at in zip(size, middle, strict=True))
    radius, angle = np.hypot(x, y[:, None]), np.arctan2(y[:, None], x)
    start, inner, growth = _along(np.stack([start, inner, growth]), angle)
    beyond = radius - inner
    below = np.float32(1 - 2 * amount)  # as in a mirror; if nothing turns, the picture itself
    factor = (start + np.where(beyond > 0, growth, below) * beyond) / np.maximum(radius, 1)
    return np.stack([middle[0] + factor * x, middle[1] + factor * y[:, None]])


def _radii(
    mesh: NDArray[np.float32],
    triangles: NDArray[np.int64],
    size: tuple[int, int],
    middle: NDArray[np.float32],
) -> Floats:
    """How far a mesh reaches in the picture along each ray from a point, in pixels, (RAYS,)."""
    width, height = (-(-side // COARSE) for side in size)
    covered = rasterize(mesh / np.float32(COARSE), triangles, (width, height)).covered
    ray = np.arange(RAYS)[:, None] * (2 * np.pi / RAYS)
    steps = np.arange(1, math.hypot(width, height))
    x = np.rint(middle[0] / COARSE + steps * np.cos(ray)).astype(np.int64)
    y = np.rint(middle[1] / COARSE + steps * np.sin(ray)).astype(np.int64)
    there = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    there &= covered[y * there, x * there]
    reach = COARSE * (steps * there).max(axis=1).astype(np.float64)
    padded = np.concatenate([reach[-2:], reach, reach[:2]])
    return np.lib.stride_tricks.sliding_window_view(padded, 5).mean(axis=1)


def _to_border(ray: Floats, size: tuple[int, int], middle: NDArray[np.float32]) -> Floats:
    """How far it is from a point to the picture's border, along each ray."""
    ends = []
    for way, place, side in zip((np.cos(ray), np.sin(ray)), middle.tolist(), size, strict=True):
        room = np.where(way > 0, side - 0.5 - place, place + 0.5)
        ends.append(np.maximum(room, 1) / np.maximum(np.abs(way), 1e-9))
    return np.minimum(*ends)


def _along(values: Floats, angle: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values of rays (C, RAYS) in directions (H, W), in radians: (C, H, W)."""
    fine = np.arange(RAYS * FINE) / FINE
    known = [np.interp(fine, np.arange(RAYS), row, period=RAYS) for row in values]
    number = np.rint(angle * np.float32(RAYS * FINE / (2 * np.pi))).astype(np.int32)
    return np.stack([row.astype(np.float32)[number] for row in known])  # negative ones from the end


def _softened(image: Image, places: NDArray[np.float32]) -> Image:
    """The picture with each edge of something in front as soft as a lens makes it."""
    torn = np.zeros(image.shape[:2], bool)
    for plane in places:
        across = np.abs(np.diff(plane, axis=1)) > TORN
        down = np.abs(np.diff(plane, axis=0)) > TORN
        torn[:, 1:] |= across
        torn[:, :-1] |= across
        torn[1:] |= down
        torn[:-1] |= down
    y, x = np.nonzero(torn)
    total = np.zeros((len(y), 3), np.float32)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            rows = np.clip(y + down, 0, image.shape[0] - 1)
            total += image[rows, np.clip(x + right, 0, image.shape[1] - 1)]
    result = image.copy()
    result[y, x] = np.rint(total / 9)
    return result

"""A face model fitted to annotated faces: its pose and shape in each picture.

The likeliest face by three witnesses: what people marked, the same face lifted to 3-D where it
was, and what faces are like at all. Gauss-Newton, for many faces at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.faces import SCHEMES, Fit
from canthus.faces.face import angles_of, rotations_of
from canthus.faces.face_model import FaceModel

Floats = NDArray[np.float64]

ROUNDS = 25
POSE = 6  # a turn (3), the logarithm of the scale, a shift (2)
EVERY = 9  # of the lifted vertices one in so many is looked at
LIFTED = 0.06, 0.12  # sides of the face by which all lifted vertices may be off: in the plane, deep
CORRELATED = 40.0  # lifted vertices that err alike count as one
YAW_DEG = 8.0  # by which the yaw that a data set says may be off
TURNED_DEG = 10.0, 12.0  # from where on the far outline is another, and how soon it counts little
OUTLIER = 3.0  # standard deviations from which on a mark counts less and less
DAMPING = 1e-3
BATCH = 200  # faces at once, which bounds the memory
STARTS = [(yaw, pitch) for yaw in (-70, -35, 0, 35, 70) for pitch in (-15, 15)]
OUTLINE = np.array(SCHEMES["68"].parts["contour"])
CHIN = 8


@dataclass(frozen=True, eq=False)
class Witnesses:
    """What is known of faces in pictures, all in pixels of each picture.

    Attributes:
        marks: (N, M, 2), marked places; NaN where none is.
        readout: (M, 68), how each place is made from the 68 landmarks.
        doubt: (M,) or (N, M), standard deviations, in sides of the face.
        follows: whether marks of the outline were put where the picture shows the outline, which
            is not where the far half of a turned head's 68 landmarks in space are.
        lifted: (N, V, 3), the model's first vertices, x right, y down, z away; NaN where the face
            was not lifted.
        yaw_deg: (N,), as the data set says it; NaN where it does not.
        side: (N,), of the face's box.
    """

    marks: Floats
    readout: Floats
    doubt: Floats
    follows: bool
    lifted: Floats
    yaw_deg: Floats
    side: Floats

    def rows(self, chosen: slice) -> "Witnesses":
        """Those of some of the faces."""
        doubt = np.broadcast_to(self.doubt, self.marks.shape[:2])
        return Witnesses(
            self.marks[chosen],
            self.readout,
            doubt[chosen],
            self.follows,
            self.lifted[chosen],
            self.yaw_deg[chosen],
            self.side[chosen],
        )


@dataclass(frozen=True, eq=False)
class Fitted:
    """A face model's pose and shape in pictures.

    Attributes:
        cameras: (N, 3, 4), from the model's frame to pixels: x right, y down, depth away.
        shapes: (N, K), identities, then expressions.
        landmarks: (N, 68, 3), of the fitted faces, as the camera maps them.
        errors: (N,), root mean square distance of the marks, in sides of the face.
    """

    cameras: Floats
    shapes: Floats
    landmarks: Floats
    errors: Floats

    @property
    def yaw_deg(self) -> Floats:
        """(N,), as of `Pose`."""
        linear = self.cameras[:, :, :3] * np.array([[1.0], [-1.0], [-1.0]])
        return angles_of(linear / np.linalg.norm(linear[:, :1], axis=2, keepdims=True))[:, 0]

    def within(self, limit: float) -> list[Fit | None]:
        """The fit of each face, None where it is off by more sides of the face than a limit."""
        each = zip(self.cameras, self.shapes, self.errors, strict=True)
        return [Fit(camera, shape) if off <= limit else None for camera, shape, off in each]


def fit(model: FaceModel, known: Witnesses) -> Fitted:
    """The likeliest faces.

    Args:
        model: whose coefficients' deviations are known.
        known: of each face.

    Raises:
        ValueError: if the model does not say how far its coefficients vary.
    """
    if model.identity_deviations is None or model.expression_deviations is None:
        raise ValueError(f"{model.name}: does not say how far its coefficients vary")
    count = len(known.marks)
    parts = [
        _Fitting(model, known.rows(slice(first, first + BATCH))).run()
        for first in range(0, count, BATCH)
    ]
    fields = ("cameras", "shapes", "landmarks", "errors")
    return Fitted(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))


class _Fitting:
    """A batch of faces on the way to their fits; y is up and z toward the viewer in here."""

    def __init__(self, model: FaceModel, known: Witnesses) -> None:
        self.known = known
        bases = np.concatenate([model.identity, model.expression]).astype(np.float64)
        assert model.identity_deviations is not None
        assert model.expression_deviations is not None
        deviations = [model.identity_deviations, model.expression_deviations]
        self.deviations = np.concatenate(deviations).astype(np.float64)
        rows = np.arange(0, known.lifted.shape[1], EVERY)
        self.bases = np.concatenate([model.keypoints_of(bases), bases[:, rows]], axis=1)
        self.bases = self.bases * self.deviations[:, None, None]  # coefficients spread by 1
        neutral = [model.keypoints_of(model.neutral), model.neutral[rows]]
        self.neutral = np.concatenate(neutral).astype(np.float64)
        self.marks = known.marks * [1, -1] / known.side[:, None, None]
        self.lifted = known.lifted[:, rows] * [1, -1, -1] / known.side[:, None, None]
        self.turns = np.tile(np.eye(3), (len(self.marks), 1, 1))
        self.scales = np.ones(len(self.marks))
        self.shifts = np.zeros((len(self.marks), 2))
        self.shapes = np.zeros((len(self.marks), len(bases)))
        self._begin()

    def run(self) -> Fitted:
        """Fit, and say how."""
        for number in range(ROUNDS):
            self._step(pose_only=number < 4)
        _, places = self._places()
        side = self.known.side[:, None]
        errors = self._mark_errors(places)
        landmarks = places[:, :68] * [1, -1, -1] * side[..., None]
        linear = self.turns * self.scales[:, None, None] * side[..., None]
        cameras = np.zeros((len(side), 3, 4))
        cameras[:, :, :3] = linear * np.array([[1.0], [-1.0], [-1.0]])
        cameras[:, :2, 3] = self.shifts * [1, -1] * side
        return Fitted(cameras, self.shapes * self.deviations, landmarks, errors)

    def _mark_errors(self, places: Floats) -> Floats:
        off, spread = self._off_marks(places)
        trusted = np.isfinite(spread)
        squares = (off**2).sum(axis=2) * trusted
        return np.sqrt(squares.sum(axis=1) / np.maximum(1, trusted.sum(axis=1)))

    def _begin(self) -> None:
        """Of several poses, the one that fits best with the mean face; the said yaw among them."""
        best = np.full(len(self.marks), np.inf)
        kept = self.turns.copy(), self.scales.copy(), self.shifts.copy()
        said = np.nan_to_num(self.known.yaw_deg)
        for yaw, pitch in [*STARTS, (None, -10), (None, 10)]:
            turned = said if yaw is None else np.full(len(best), float(yaw))
            angles = [turned, np.full_like(turned, pitch), np.zeros_like(turned)]
            self.turns = rotations_of(np.stack(angles, axis=-1))
            self._place_marks()
            for _ in range(3):
                self._step(pose_only=True)
            cost = self._cost()
            better = cost < best
            best = np.where(better, cost, best)
            for old, new in zip(kept, (self.turns, self.scales, self.shifts), strict=True):
                old[better] = new[better]
        self.turns, self.scales, self.shifts = kept

    def _place_marks(self) -> None:
        """Scale and shift of the mean face by the marks, for the present turn."""
        neutral = self.known.readout @ (self.neutral[:68] @ self.turns.transpose(0, 2, 1))[..., :2]
        seen = np.isfinite(self.marks[..., :1])
        share = seen / np.maximum(1, seen.sum(axis=1, keepdims=True))
        ours = neutral - (share * neutral).sum(axis=1, keepdims=True)
        marks = np.nan_to_num(self.marks)
        middle = (share * marks).sum(axis=1)
        theirs = marks - middle[:, None]
        ratio = (share * ours * ours).sum((1, 2)) + 1e-9
        spread = np.sqrt((share * theirs * theirs).sum((1, 2)) / ratio)
        self.scales = np.maximum(spread, 1e-4)
        self.shifts = middle - self.scales[:, None] * (share * neutral).sum(axis=1)

    def _places(self) -> tuple[Floats, Floats]:
        """The turned shapes, and their places, (N, 68 + V, 3)."""
        shapes = self.neutral + np.tensordot(self.shapes, self.bases, 1)
        turned = shapes @ self.turns.transpose(0, 2, 1)
        places = self.scales[:, None, None] * turned
        places[..., :2] += self.shifts[:, None]
        return turned, places

    def _off_marks(self, places: Floats) -> tuple[Floats, Floats]:
        """How far places are from marks (N, M, 2), and by how much they may be, (N, M)."""
        known = self.known
        off = self.marks - known.readout @ places[:, :68, :2]
        spread = np.where(np.isfinite(off[..., 0]), known.doubt, np.inf)
        if known.follows:
            yaw = angles_of(self.turns)[:, :1]
            past = np.maximum(0, np.abs(yaw) - TURNED_DEG[0]) / TURNED_DEG[1]
            # of a head whose nose points to the picture's left, the far half is the left one
            far = np.where(yaw > 0, OUTLINE < CHIN, OUTLINE > CHIN)
            spread[:, OUTLINE] *= np.exp(np.where(far, np.minimum(past, 6) ** 2, 0) / 2)
        return np.nan_to_num(off), spread

    def _residuals(self, places: Floats) -> tuple[Floats, Floats]:
        """What is wanted less what is, and the weights of its squares; marks, lifted, yaw."""
        off, spread = self._off_marks(places)
        away = np.linalg.norm(off, axis=2) / spread
        weights = 1 / spread**2 / (1 + (away / OUTLIER) ** 2)
        marks = np.repeat(weights[..., None], 2, axis=2)
        apart = self.lifted - places[:, 68:]
        depth = apart[..., 2:]
        there = np.isfinite(depth)
        middle = np.nan_to_num(depth).sum(1, keepdims=True) / np.maximum(1, there.sum(1))[:, None]
        apart = np.concatenate([apart[..., :2], depth - middle], axis=2)
        share = CORRELATED / apart.shape[1]
        deviations = np.array([LIFTED[0], LIFTED[0], LIFTED[1]])
        lifted = np.broadcast_to(share / deviations**2, apart.shape) * np.isfinite(apart)
        yaw = np.radians(self.known.yaw_deg - angles_of(self.turns)[:, 0])
        trusted = np.isfinite(yaw) / np.radians(YAW_DEG) ** 2
        wanted = [off.reshape(len(off), -1), np.nan_to_num(apart).reshape(len(off), -1)]
        weighed = [marks.reshape(len(off), -1), lifted.reshape(len(off), -1)]
        return (
            np.column_stack([*wanted, np.nan_to_num(yaw)]),
            np.column_stack([*weighed, trusted]),
        )

    def _cost(self) -> Floats:
        off, weights = self._residuals(self._places()[1])
        return (weights * off**2).sum(axis=1) + (self.shapes**2).sum(axis=1)

    def _step(self, *, pose_only: bool) -> None:
        turned, places = self._places()
        off, weights = self._residuals(places)
        slopes = self._slopes(turned)
        count = POSE if pose_only else slopes.shape[2]
        slopes = slopes[..., :count]
        weighed = slopes * weights[..., None]
        products = slopes.transpose(0, 2, 1) @ weighed
        sums = (weighed * off[..., None]).sum(axis=1)
        prior = np.concatenate([np.zeros(POSE), np.ones(self.shapes.shape[1])])[:count]
        sums[:, POSE:] -= self.shapes if not pose_only else 0
        damping = DAMPING * np.einsum("nii->ni", products)
        products += np.eye(count) * (prior + damping + 1e-9)[:, None]
        self._move(np.linalg.solve(products, sums[..., None])[..., 0])

    def _slopes(self, turned: Floats) -> Floats:
        """Of all residuals by pose and shape, (N, R, 6 + K)."""
        count = len(turned)
        scales = self.scales[:, None, None]
        x, y, z = np.moveaxis(turned, 2, 0)
        none = np.zeros_like(x)
        # a small turn w moves a place p by w x p
        around = [(none, -z, y), (z, none, -x), (-y, x, none)]
        moved = [scales * np.stack(each, axis=2) for each in around]
        moved.append(scales * turned)
        moved += [np.broadcast_to(np.eye(3)[axis], turned.shape) for axis in (0, 1)]
        shapes = np.einsum("nij,kpj->npik", self.turns * scales, self.bases, optimize=True)
        slopes = np.concatenate([np.stack(moved, axis=3), shapes], axis=3)
        marks = np.einsum("ml,nlik->nmik", self.known.readout, slopes[:, :68, :2], optimize=True)
        lifted = slopes[:, 68:].copy()
        lifted[:, :, 2] -= lifted[:, :, 2].mean(axis=1, keepdims=True)
        yaw = np.zeros((count, 1, slopes.shape[3]))
        # of asin(-R02), where a turn w adds w x (the head's own z)
        ahead = self.turns[:, :, 2]
        cosine = np.sqrt(np.maximum(1e-4, 1 - ahead[:, 0] ** 2))
        yaw[:, 0, 1], yaw[:, 0, 2] = -ahead[:, 2] / cosine, ahead[:, 1] / cosine
        flat = [marks.reshape(count, -1, slopes.shape[3])]
        flat.append(lifted.reshape(count, -1, slopes.shape[3]))
        return np.concatenate([*flat, yaw], axis=1)

    def _move(self, change: Floats) -> None:
        self.turns = _rodrigues(np.clip(change[:, :3], -0.5, 0.5)) @ self.turns
        self.scales = self.scales * np.exp(np.clip(change[:, 3], -0.3, 0.3))
        self.shifts = self.shifts + change[:, 4:POSE]
        if change.shape[1] > POSE:
            self.shapes = self.shapes + change[:, POSE:]


def _rodrigues(turns: Floats) -> Floats:
    """Rotations (N, 3, 3) about axes by as many radians as these are long, (N, 3)."""
    angle = np.linalg.norm(turns, axis=1)[:, None, None] + 1e-12
    x, y, z = turns.T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    once, twice = np.sin(angle) / angle, (1 - np.cos(angle)) / angle**2
    return np.eye(3) + once * cross + twice * (cross @ cross)

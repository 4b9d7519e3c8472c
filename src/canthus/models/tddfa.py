"""3DDFA (Zhu et al., TPAMI 2019; Guo et al., ECCV 2020): a face by a morphable model.

One look at a crop gives the pose, who it is and what the face does, as numbers; a face model makes
a mesh of them, and the landmarks are some of its vertices. So they have depths too, and the pose
of the head is known.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canthus.config import config
from canthus.errors import RecipeError
from canthus.faces.face_model import read_face_model
from canthus.models.base import AlignmentModel, Prediction, Target
from canthus.models.layers.coefficient_losses import CoefficientLoss, mean_of, pdc, vdc, wpdc
from canthus.models.layers.ellipses import Ellipses
from canthus.models.layers.heatmap_losses import Asked
from canthus.models.layers.mobilenet import MobileNet
from canthus.models.layers.morphable import POSE, Morphable, squared
from canthus.models.layers.pinned import Pinned, Seen
from canthus.models.layers.point_losses import POINT_LOSSES, errors
from canthus.models.layers.resnet import ResNet22
from canthus.models.layers.scores import Scores

# Of 3DDFA and 3DDFA_V2: what is subtracted from x, and from what y is; their labels come from
# 1-based pixels. And ours, of pixels whose centers are whole numbers.
ORIGINS = {"v1": (0.0, 1.0), "v2": (1.0, 0.0), "clean": (0.0, -1.0)}
COEFFICIENT_LOSSES = get_args(CoefficientLoss)
LANDMARKS = 68
TINY = 1e-6  # of a coefficient's spread, at least
FILLS = 0.5**0.5  # of the crop, by the longer side of a face: the published square
DOUBT = 0.02  # sides of the crop that landmarks may be off, as long as nothing was measured
MAP_WEIGHT = 0.1  # of a heatmap's divergence from a Gaussian, beside how far its mean is off
SCALE = 0.00057339936  # pixels of a crop of 120 in a unit of the published face model, on average


@config
class TddfaConfig:
    """The network, the size of its face model, and what it learns from.

    Attributes:
        backbone: "mobilenet" of any width, or "resnet22", as published. Or "pinned", ours, which
            finds the landmarks in heatmaps first, and reads the coefficients from where they are.
        width: times the channels of MobileNet.
        stem: channels of a pinned network at half of the crop's resolution.
        widths: its channels at a quarter, and at each halving after that.
        size: side of the crop, in pixels.
        identities: coefficients that say who it is.
        expressions: coefficients that say what the face does.
        vertices: of the face model inside the network, the 68 landmarks first. More of them are
            of use in a training only.
        face_model: where a training from the beginning takes the shapes from: a face model's file,
            or "open", which is inside the package. Weights that were trained hold their own.
        rotation: "free": a map of nine numbers, as published, in which a head may be sheared. Or
            "orthogonal": a turn and one scale, by the six numbers of its first two rows (Zhou et
            al., CVPR 2019).
        conventions: where a crop's pixels are. "clean": centers are whole numbers. "v1", "v2":
            as published, where labels are 1-based.
        colors: in which order the network sees them; the published ones want blue first.
        loss: "points": how far landmarks are off, where those alone are known. Where fits of the
            face model are: "mesh", how far vertices are off besides, in depth too; or the
            published "pdc", "vdc", "wpdc".
        resample: how many vertices besides the landmarks are drawn in each step, for the losses
            that look at the mesh; all if there are fewer.
        prior: weight of the squares of the shape's coefficients or, for "mesh", of how far they
            are from the fit's: it keeps faces likely where landmarks say too little.
        landmarks: weight of the landmarks' error beside "pdc", "vdc" or "wpdc", in pixels as the
            vertices of "vdc".
        mesh: weight of the mesh in "mesh", whose landmarks have the weight 1.
        maps: weight of a pinned network's heatmaps: how far their means are off, and how far
            they are from Gaussians.
    """

    family: Literal["tddfa"] = "tddfa"
    backbone: Literal["mobilenet", "pinned", "resnet22"] = "mobilenet"
    width: float = 0.5
    stem: int = 16
    widths: tuple[int, ...] = (32, 64, 128, 160)
    size: int = 120
    identities: int = 40
    expressions: int = 10
    vertices: int = LANDMARKS
    face_model: str | None = None
    rotation: Literal["free", "orthogonal"] = "free"
    conventions: Literal["clean", "v1", "v2"] = "clean"
    colors: Literal["rgb", "bgr"] = "rgb"
    loss: CoefficientLoss | Literal["points", "mesh"] = "points"
    resample: int = 132
    prior: float = 1e-4
    landmarks: float = 0.0
    mesh: float = 0.5
    maps: float = 0.5

    def __post_init__(self) -> None:
        if self.vertices < LANDMARKS:
            raise ValueError(f"vertices: expected {LANDMARKS} or more, found {self.vertices}")
        if self.rotation == "orthogonal" and self.loss not in ("points", "mesh"):
            raise ValueError(
                f"loss {self.loss} compares the nine numbers of a free map; expected rotation: free"
            )
        if self.resample < 0:
            raise ValueError(f"resample: expected 0 or more vertices, found {self.resample}")

    @property
    def num_landmarks(self) -> int:
        """How many points a face has."""
        return LANDMARKS

    @property
    def num_coefficients(self) -> int:
        """Of pose, identity and expression."""
        return POSE + self.identities + self.expressions

    @property
    def granularity(self) -> int:
        """What a crop's side must be a multiple of: any side will do but for heatmaps."""
        return 4 * 2 ** (len(self.widths) - 1) if self.backbone == "pinned" else 1


@dataclass(frozen=True, eq=False)
class Coefficients:
    """What the network says of a batch of faces.

    Attributes:
        whitened: (B, K): the pose, a 3 x 4 map row by row; then identities and expressions. All of
            mean 0 and spread 1 over the training faces.
        size: side of the crops that were seen, in pixels.
        seen: what a pinned network found on the way.
    """

    whitened: Tensor
    size: int
    seen: Seen | None = None


class Tddfa(AlignmentModel[Coefficients]):
    """Coefficients by a small network; everything else is geometry."""

    leans: ClassVar[bool] = False

    def __init__(self, config: TddfaConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = _backbone(config)
        self.model = Morphable(config.vertices, config.identities, config.expressions)
        self.ellipses = Ellipses(LANDMARKS)
        self.scores = Scores(LANDMARKS)
        self.register_buffer("sideways", torch.zeros(1))

    @torch.no_grad()
    def prepare(self, mean_face: Tensor, fits: Tensor | None = None) -> None:
        config, model = self.config, self.model
        if config.face_model is not None:
            faces = read_face_model(Path(config.face_model))
            model.fill(faces, config.identities, config.expressions)
            model.expect(FILLS * config.size, config.size)
            if fits is not None and config.loss in COEFFICIENT_LOSSES:
                self._whiten(fits)
            if isinstance(self.backbone, Pinned):
                marks, pose = model.neutral[:LANDMARKS], slice(POSE)
                self.backbone.expect(marks, model.mean[pose], model.spread[pose], config.size)
        elif not model.neutral.any():
            raise RecipeError(
                "face_model: expected a file or open, or a start that holds one as `canthus import "
                "tddfa` writes it; found none"
            )

    def _whiten(self, fits: Tensor) -> None:
        """Take the mean and the spread of coefficients from faces, in crops of our own size."""
        colored = self._published(fits, self.config.size)
        self.model.mean.copy_(colored.mean(dim=0))
        self.model.spread.copy_(colored.std(dim=0).clamp(min=TINY))

    def forward(self, crops: Tensor) -> Coefficients:
        seen = crops.flip(1) if self.config.colors == "bgr" else crops
        if seen.shape[-1] != self.config.size:
            wanted = (self.config.size, self.config.size)
            seen = F.interpolate(seen, wanted, mode="bilinear", antialias=True)
        if isinstance(self.backbone, Pinned):
            found: Seen = self.backbone(seen)
            return Coefficients(found.numbers.float(), crops.shape[-1], found)
        whitened = self.backbone(seen * (255 / 128) - 127.5 / 128)
        return Coefficients(whitened.float(), crops.shape[-1])

    def camera(self, output: Coefficients) -> Tensor:
        """From the face model's coordinates to pixels of the crop, (B, 3, 4).

        The published maps lead to y up and z toward the viewer; here x points right, y down and z
        away.
        """
        pose = self.model.colored(output.whitened)[:, :POSE].reshape(-1, 3, 4)
        if self.config.rotation == "orthogonal":
            pose = squared(pose)
        to_crop, corner = self._to_crop(output.size)
        return pose * to_crop + corner

    def _to_crop(self, size: int) -> tuple[Tensor, Tensor]:
        """From the published maps to those of pixels of a crop: what to multiply by, and add."""
        left, down = ORIGINS[self.config.conventions]
        larger = size / self.config.size
        edge = (larger - 1) / 2  # a pixel's center is half a pixel from its edge
        corner = [edge - larger * left, edge + larger * (self.config.size + down), 0.0]
        like = self.model.mean
        turned = larger * like.new_tensor([[1.0], [-1.0], [-1.0]])
        return turned, F.pad(like.new_tensor(corner)[:, None], (3, 0))

    def places(self, output: Coefficients, rows: Tensor | None = None) -> Tensor:
        """Where vertices are, (B, V, 3), in pixels of the crop: x right, y down, z away.

        Args:
            output: what the network says.
            rows: of the vertices that are wanted; all by default.
        """
        shapes = self.model.shapes(self.model.colored(output.whitened), rows)
        camera = self.camera(output)
        return shapes @ camera[:, :, :3].transpose(1, 2) + camera[:, None, :, 3]

    def landmarks(self, output: Coefficients) -> Tensor:
        """The 68 landmarks, (B, 68, 3), as `places`."""
        return self.places(output, torch.arange(LANDMARKS, device=output.whitened.device))

    def loss(self, output: Coefficients, target: Target) -> dict[str, Tensor]:
        terms = self._map_terms(output, target)
        if self.config.loss == "points":
            squares = output.whitened[:, POSE:].square().sum(dim=1)
            prior = self.config.prior * squares.mean()
            return {"points": self._off(output, target), "prior": prior, **terms}
        if target.coefficients is None:
            raise ValueError(
                f"loss {self.config.loss}: expected faces with coefficients, found none; with "
                "landmarks alone take loss: points"
            )
        wanted, known = self._wanted(target.coefficients, output.size)
        if self.config.loss == "mesh":
            return {**self._mesh_terms(output, target, wanted, known), **terms}
        cost = self._coefficient_loss(output.whitened[known], wanted[known])
        terms[self.config.loss] = target.fitted * cost
        if self.config.landmarks:
            pixels = target.size.mean()
            terms["points"] = self.config.landmarks * pixels * self._off(output, target)
        return terms

    def _off(self, output: Coefficients, target: Target) -> Tensor:
        """Mean distance of the landmarks that are known, in sides of the face."""
        error, known = errors(self.landmarks(output)[..., :2], target)
        each = POINT_LOSSES["distance"](error) * known
        return each.sum() / known.sum().clamp(min=1)

    def _map_terms(self, output: Coefficients, target: Target) -> dict[str, Tensor]:
        """What is asked of a pinned network's heatmaps."""
        if output.seen is None:
            return {}
        larger = output.size / self.config.size  # the maps are of crops of the network's own size
        edge = (larger - 1) / 2
        own = replace(
            target,
            points=(target.points - edge) / larger,
            blends=(target.blends - edge) / larger,
            size=target.size / larger,
        )
        asked = Asked("integral", Pinned.STRIDE, 1.0, by_mean=True, map_weight=MAP_WEIGHT)
        found = asked.terms([output.seen.maps], own)
        return {f"maps_{name}": self.config.maps * value for name, value in found.items()}

    def _published(self, coefficients: Tensor, size: int) -> Tensor:
        """Fits of faces in crops of a size, with the maps as the network says them."""
        to_crop, corner = self._to_crop(size)
        pose = (coefficients[:, :POSE].reshape(-1, 3, 4) - corner) / to_crop
        return torch.cat([pose.flatten(1), coefficients[:, POSE:]], dim=1)

    def _wanted(self, coefficients: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Fits of faces as what the network should say, (B, K), and which there are, (B,)."""
        colored = self._published(coefficients, size)
        if colored.shape[1] != self.config.num_coefficients:
            raise ValueError(
                f"expected fits of {self.config.num_coefficients} coefficients, found "
                f"{colored.shape[1]}; fit the faces with the network's face model"
            )
        return (colored - self.model.mean) / self.model.spread, colored.isfinite().all(dim=1)

    def _mesh_terms(
        self, output: Coefficients, target: Target, wanted: Tensor, known: Tensor
    ) -> dict[str, Tensor]:
        """How far landmarks are off in the plane, and the mesh in space; and the shape's prior."""
        rows = self._rows(wanted.device)
        truth = Coefficients(wanted[known], output.size)
        found = self.places(Coefficients(output.whitened[known], output.size), rows)
        apart = found - self.places(truth, rows)
        far = torch.cat([torch.zeros_like(apart[..., :2]), apart[..., 2:]], dim=-1)
        apart = apart - far.mean(dim=1, keepdim=True)  # nobody sees how far away a head is
        each = (apart.square().sum(dim=-1) + 1e-6).sqrt() / target.size[known, None]
        shapes = (output.whitened - wanted)[known, POSE:].square().sum(dim=1)
        return {
            "points": self._off(output, target),
            "mesh": self.config.mesh * target.fitted * mean_of(each),
            "prior": self.config.prior * target.fitted * mean_of(shapes),
        }

    def _coefficient_loss(self, found: Tensor, target: Tensor) -> Tensor:
        if self.config.loss == "pdc":
            return pdc(found, target)
        rows = self._rows(found.device)
        if self.config.loss == "vdc":
            return vdc(self.model, found, target, rows)
        return wpdc(self.model, found, target, rows, scale=self._scale())

    def _scale(self) -> float:
        """Pixels of the crop in a unit of the face model, on average."""
        if self.config.conventions != "clean":
            return SCALE
        return float(self.model.mean[:POSE].reshape(3, 4)[0, :3].norm())

    def _rows(self, device: torch.device) -> Tensor:
        """The landmarks, and vertices drawn anew each time; a landmark may be among them."""
        drawn = torch.randperm(self.config.vertices, device=device)[: self.config.resample]
        return torch.cat([torch.arange(LANDMARKS, device=device), drawn])

    def decode(self, output: Coefficients) -> Prediction:
        found = self.landmarks(output)
        points = found[..., :2]
        if output.seen is None:
            doubt = torch.full_like(points, (DOUBT * output.size) ** 2).diag_embed()
        else:
            doubt = output.seen.covariance * (output.size / self.config.size) ** 2
        answer = self.calibrated(points, doubt)
        return Prediction(
            answer.points,
            answer.scores,
            answer.covariance,
            found[..., 2],
            self.camera(output),
            self.model.colored(output.whitened)[:, POSE:],
        )


def _backbone(config: TddfaConfig) -> nn.Module:
    count = config.num_coefficients
    if config.backbone == "mobilenet":
        return MobileNet(config.width, count)
    if config.backbone == "resnet22":
        return ResNet22(count)
    return Pinned(count, landmarks=LANDMARKS, stem=config.stem, widths=config.widths)

"""A network as an ONNX file: written, then proved equal to torch."""

import io
import math
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from canthus import config
from canthus.datasets import synthetic
from canthus.errors import WeightsError
from canthus.export.programs import exported
from canthus.export.quitting import quitting_graph
from canthus.models import Musica, Network
from canthus.runtime import seal
from canthus.runtime.backend import Arrays, OnnxBackend, TorchBackend
from canthus.runtime.manifest import KEY, Figure, Manifest
from canthus.storage import write_whole

TOLERANCE = 1e-3  # pixels of the crop; of scores; of covariances, as a share of the largest
PROOFS = 4  # drawn faces on which the two are compared


@dataclass(frozen=True)
class Proof:
    """How far the file's answers are from torch's, at most.

    Attributes:
        points: in pixels of the crop.
        scores: in [0, 1].
        covariances: as a share of the largest of them; None where the network has none.
        depths: in pixels of the crop; None where it has none.
        cameras: as a share of the largest of their numbers; None where it has none.
        shapes: likewise.
        errors: that are expected, in longer sides of the face; None where it expects none.
        attention: in [0, 1]; None where patches are not weighed.
        patches: in pixels of the crop; None likewise.
        steps: that are taken; None where there are none.
    """

    points: float
    scores: float
    covariances: float | None = None
    depths: float | None = None
    cameras: float | None = None
    shapes: float | None = None
    errors: float | None = None
    attention: float | None = None
    patches: float | None = None
    steps: float | None = None

    @property
    def worst(self) -> float:
        """The greatest of them, to be held against `TOLERANCE`."""
        return max(value or 0.0 for value in astuple(self))


def export_onnx(
    source: Path,
    target: Path,
    *,
    figures: tuple[Figure, ...] = (),
    quit_below: float | None = None,
    all_steps: bool = False,
) -> Proof:
    """Write the ONNX file of a safetensors file, and prove that the two answer alike.

    Args:
        source: what a training wrote.
        target: where the ONNX file goes; it appears there only once it is proved.
        figures: what was measured of the model, to stand in its manifest.
        quit_below: in place of what the config of a slim MuSiCa says; see there. It is the file's
            default, and can be chosen anew as it is run.
        all_steps: write a graph without `If`, which takes all steps of MuSiCa with every face;
            other networks have no others.

    Raises:
        WeightsError: if the source is damaged, or the two differ by more than `TOLERANCE`, or a
            network is told to quit that cannot.
        StorageError: if the disk refuses.
        ValueError: if all steps are to be taken, and yet faces to quit.
    """
    manifest, backend = TorchBackend.open(source)
    manifest = replace(manifest, figures=(*manifest.figures, *figures))
    if all_steps and quit_below:
        raise ValueError(f"expected all_steps or quit_below, found both ({quit_below})")
    if all_steps and isinstance(backend.model, Musica):
        quit_below = 0.0
    if quit_below is not None:
        manifest = _told_to_quit(backend.model, manifest, quit_below, source)
    data = seal.sealed(_to_bytes(backend.model, manifest, all_steps=all_steps))
    draft = target.with_name(f".{target.stem}.draft.onnx")
    try:
        write_whole(draft, data)
        proof = compare(backend, OnnxBackend(draft))
        if not proof.worst <= TOLERANCE:
            raise WeightsError(
                f"{target}: the exported network differs from torch ({proof}); nothing was written"
            )
        write_whole(target, data)
    finally:
        draft.unlink(missing_ok=True)
    return proof


def _told_to_quit(network: Network, manifest: Manifest, below: float, source: Path) -> Manifest:
    """Let a network quit below another threshold; what it says of itself then."""
    if not isinstance(network, Musica):
        raise WeightsError(f"{source}: only musica can quit, found {manifest.family}")
    try:
        each = (below,) * (network.config.steps - 1) if below else ()
        network.config = replace(network.config, quit_below=each)
    except ValueError as error:
        raise WeightsError(f"{source}: {error}") from None
    recipe = {**manifest.recipe, "model": config.dump(network.config)}
    return replace(manifest, recipe=recipe)


def compare(first: TorchBackend, second: OnnxBackend) -> Proof:
    """The greatest difference between two backends' answers on drawn faces and on nothing.

    Where faces can quit, also if all do so after the first step.
    """
    crops = _proofs(second.manifest.crop_size)
    apart = _apart(first.run(crops), second.run(crops))
    if second.can_quit:
        usual = second.quit_below
        first.quit_below = second.quit_below = math.inf
        early = _apart(first.run(crops), second.run(crops))
        first.quit_below = second.quit_below = usual
        apart = {name: max(value, early[name]) for name, value in apart.items()}
    return Proof(**apart)


def _apart(ours: Arrays, theirs: Arrays) -> dict[str, float]:
    apart = {name: float(np.abs(ours[name] - theirs[name]).max()) for name in ours}
    for name in ("covariances", "cameras", "shapes"):
        if name in apart:
            apart[name] /= float(np.abs(ours[name]).max())
    return apart


def _proofs(size: int) -> NDArray[np.uint8]:
    """Two ramps, in which no face is, and drawn faces.

    Noise would not do: where a network cuts crops out of its crop by what it finds there, it tells
    how far rounding goes in a picture that nobody takes.
    """
    rng = np.random.default_rng(0)
    crops = [synthetic.draw(rng, size=size).image for _ in range(PROOFS)]
    ramp = np.linspace(0, 255, size, dtype=np.uint8)
    crops += [np.broadcast_to(ramp[:, None], (size, size, 3))]
    crops += [np.broadcast_to(ramp[:, None, None], (size, size, 3))]
    return np.stack(crops)


class _Door(nn.Module):
    """A network with the outputs of an exported file: covariances only where they were measured."""

    def __init__(self, network: Network, size: int) -> None:
        super().__init__()
        self.network = network
        self.outputs = ["points", "scores"]
        if network.ellipses.fitted:
            self.outputs.append("covariances")
        with torch.no_grad():
            answer = network.predict(torch.zeros(1, 3, size, size))
        if answer.depths is not None:
            self.outputs.append("depths")
        if answer.camera is not None:
            self.outputs += ["cameras", "shapes"]
        if answer.error is not None:
            self.outputs.append("errors")
        if answer.attention is not None:
            self.outputs += ["attention", "patches"]
        if answer.steps is not None:
            self.outputs.append("steps")

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        answer = self.network.predict(crops)
        found = {
            "points": answer.points,
            "scores": answer.scores,
            "covariances": answer.covariance,
            "depths": answer.depths,
            "cameras": answer.camera,
            "shapes": answer.shape,
            "errors": answer.error,
            "attention": answer.attention,
            "patches": answer.patches,
            "steps": answer.steps,
        }
        return tuple(value for name in self.outputs if (value := found[name]) is not None)


def _to_bytes(network: Network, manifest: Manifest, *, all_steps: bool) -> bytes:
    size = manifest.crop_size
    door = _Door(network.eval(), size).eval()
    if isinstance(network, Musica) and network.config.can_quit and not all_steps:
        model = quitting_graph(network, size, door.outputs)
    else:
        model = exported(door, {"crops": torch.zeros(2, 3, size, size)}, door.outputs)
    onnx.helper.set_model_props(model, {KEY: manifest.to_json()})
    buffer = io.BytesIO()
    onnx.save_model(model, buffer)
    return buffer.getvalue()

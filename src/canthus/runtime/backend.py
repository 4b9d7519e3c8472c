"""What runs a network: crops in, named arrays out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime import NodeArg
from onnxruntime.capi import onnxruntime_pybind11_state as faults

from canthus.errors import WeightsError
from canthus.runtime import seal
from canthus.runtime.manifest import KEY, Manifest

if TYPE_CHECKING:
    import torch

    from canthus.models import Network

Arrays = dict[str, NDArray[np.float32]]
# What a network answers of each landmark, and the shape of it; not every file has all.
OF_LANDMARKS: dict[str, tuple[int, ...]] = {
    "points": (2,),
    "scores": (),
    "covariances": (2, 2),
    "depths": (),
}
# Of the whole face.
OF_FACES: dict[str, tuple[int, ...]] = {
    "cameras": (3, 4),
    "shapes": (-1,),
    "errors": (),
    "attention": (-1,),
    "patches": (-1, 3),
    "steps": (),
}
OUTPUTS = (*OF_LANDMARKS, *OF_FACES)
NEEDED = ("points", "scores")
Thresholds = tuple[float, ...]
QUIT_BELOW = "quit_below"  # an input that need not be given, of files whose faces can quit
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
# All that ONNX Runtime raises has no common base but Exception.
FAULTS = (
    faults.Fail,
    faults.InvalidArgument,
    faults.InvalidGraph,
    faults.InvalidProtobuf,
    faults.NoModel,
    faults.NoSuchFile,
    faults.NotImplemented,
    faults.RuntimeException,
)


class Backend(Protocol):
    """Something that runs one network."""

    def run(self, crops: NDArray[np.uint8]) -> Arrays:
        """Find the landmarks of a batch of crops.

        Args:
            crops: (B, S, S, 3), RGB.

        Returns:
            "points" (B, L, 2), in pixels of the crops; "scores" (B, L), in [0, 1]; where the
            network's were measured, "covariances" (B, L, 2, 2) of the points' errors; and where
            it knows a face model, "depths" (B, L) of the points, in pixels, more being further
            away, "cameras" (B, 3, 4) and "shapes" (B, K), see `faces.Fit`; where it says,
            "errors" (B,) that it expects of whole faces, in longer sides of their tight boxes;
            where it weighs patches, "attention" (B, P) in [0, 1], and "patches" (B, P, 3): x and y
            of their middles and their sides, in pixels of the crops.
            where it takes steps, the "steps" (B,) taken with each face.

        Raises:
            WeightsError: if the network answers numbers that are not finite.
        """
        ...


class OnnxBackend:
    """A network in an ONNX file that carries its manifest.

    Args:
        path: the file.
        device: "cpu" or "cuda".
        threads: how many cores one run may use.

    Raises:
        WeightsError: naming the file, if it is damaged, not an ONNX file, or not one of ours.
        ValueError: if there is no such device here.
    """

    manifest: Manifest

    def __init__(self, path: Path, *, device: str = "cpu", threads: int = 1) -> None:
        seal.check(path)
        self._path = path
        self._session = _open_session(path, device, _options(threads))
        text = self._session.get_modelmeta().custom_metadata_map.get(KEY)
        if text is None:
            raise WeightsError(
                f"{path}: an ONNX file without a Canthus manifest; "
                "use one that `canthus export` wrote"
            )
        self.manifest = Manifest.from_json(text, str(path))
        given = {door.name for door in self._session.get_outputs()}
        self._outputs = [name for name in OUTPUTS if name in (*NEEDED, *given)]
        self._check_door()
        optional = self._session.get_overridable_initializers()
        self._can_quit = QUIT_BELOW in {door.name for door in optional}
        self._below = self._usual(optional)

    @property
    def can_quit(self) -> bool:
        """Whether `quit_below` may be chosen; else it is as the file says."""
        return self._can_quit

    @property
    def quit_below(self) -> Thresholds:
        """For each step but the last: a face is done if less error is expected after it."""
        return self._below

    @quit_below.setter
    def quit_below(self, below: float | Thresholds) -> None:
        self._below = for_each_step(below, len(self._below))

    def _usual(self, optional: Sequence[NodeArg]) -> Thresholds:
        """What the file itself quits below."""
        steps = [int(door.shape[0]) for door in optional if door.name == QUIT_BELOW]
        model = self.manifest.recipe.get("model")
        told = model.get(QUIT_BELOW) if isinstance(model, dict) else None
        count = steps[0] if steps else 0
        if isinstance(told, (list, tuple)) and len(told) == count:
            return tuple(map(float, told))
        return (0.0,) * count

    def run(self, crops: NDArray[np.uint8]) -> Arrays:
        given: dict[str, NDArray[np.float32]] = {"crops": _as_input(crops)}
        if self._can_quit:
            given[QUIT_BELOW] = np.array(self._below, np.float32)
        found = self._session.run(self._outputs, given)
        return _checked(dict(zip(self._outputs, found, strict=True)), str(self._path))

    def _check_door(self) -> None:
        """The network takes and gives what every network of ours does."""
        size = self.manifest.crop_size
        num_landmarks = self.manifest.landmark_scheme.num_landmarks
        wanted: dict[str, tuple[int, ...]] = {"crops": (3, size, size)}
        shapes = {name: (num_landmarks, *shape) for name, shape in OF_LANDMARKS.items()} | OF_FACES
        wanted |= {name: shapes[name] for name in self._outputs}
        doors = (*self._session.get_inputs(), *self._session.get_outputs())
        found = {door.name: tuple(door.shape[1:]) for door in doors}
        for name, shape in wanted.items():
            if not _fits(found.get(name, ()), shape):
                raise WeightsError(
                    f"{self._path}: expected {name!r} of shape {('B', *shape)}, found "
                    f"{('B', *found[name]) if name in found else 'none'}; export the model again"
                )


class TorchBackend:
    """A network of ours in torch; it is put into evaluation, on the given device.

    Raises:
        ValueError: if there is no such device here.
    """

    def __init__(self, model: "Network", *, device: str = "cpu") -> None:
        import torch

        _check_known(device)
        if device == "cuda" and not torch.cuda.is_available():
            raise ValueError(f"device {device!r}: torch sees no GPU here")
        self.model = model.to(device).eval()
        self._device = device

    @property
    def can_quit(self) -> bool:
        """Whether `quit_below` may be chosen."""
        from canthus.models import MusicaConfig

        config = self.model.config
        return isinstance(config, MusicaConfig) and config.can_quit

    @property
    def quit_below(self) -> Thresholds:
        """For each step but the last: a face is done if less error is expected after it."""
        config = self.model.config
        told: Thresholds = getattr(config, QUIT_BELOW, ())
        return told or (0.0,) * (getattr(config, "steps", 1) - 1)

    @quit_below.setter
    def quit_below(self, below: float | Thresholds) -> None:
        from canthus.models import Musica

        assert isinstance(self.model, Musica)
        each = for_each_step(below, self.model.config.steps - 1)
        self.model.config = replace(self.model.config, quit_below=each)

    @classmethod
    def open(cls, path: Path, *, device: str = "cpu") -> tuple[Manifest, "TorchBackend"]:
        """Read a safetensors file.

        Raises:
            WeightsError: naming the file, if it is damaged, has no manifest, or its weights do
                not fit the network that its recipe names.
            ValueError: if there is no such device here.
        """
        manifest, weights = _read_safetensors(path)
        from canthus import models
        from canthus.models.weights import completed, misfits

        where = f"{path}: recipe.model"
        values = manifest.recipe.get("model")
        if not isinstance(values, dict):
            raise WeightsError(f"{where}: expected the network's config, found {values!r:.60}")
        model = models.build(models.described(values, where))
        weights = completed(model, weights)
        if found := misfits(model, weights):
            raise WeightsError(f"{path}: the weights do not fit {where}: {found}")
        model.load_state_dict(weights)
        return manifest, cls(model, device=device)

    def run(self, crops: NDArray[np.uint8]) -> Arrays:
        import torch

        with torch.inference_mode():
            batch = torch.from_numpy(_as_input(crops)).to(self._device)
            answer = self.model.predict(batch)
        found = {"points": answer.points, "scores": answer.scores}
        if self.model.ellipses.fitted:
            found["covariances"] = answer.covariance
        if answer.depths is not None:
            found["depths"] = answer.depths
        if answer.camera is not None and answer.shape is not None:
            found |= {"cameras": answer.camera, "shapes": answer.shape}
        if answer.error is not None:
            found["errors"] = answer.error
        if answer.attention is not None and answer.patches is not None:
            found |= {"attention": answer.attention, "patches": answer.patches}
        if answer.steps is not None:
            found["steps"] = answer.steps
        arrays = {name: value.float().cpu().numpy() for name, value in found.items()}
        return _checked(arrays, type(self.model).__name__)

    @property
    def num_parameters(self) -> int:
        """How many values are trained; running means and variances are not."""
        return sum(values.numel() for values in self.model.parameters())

    def multiply_adds(self, crop_size: int) -> dict[str, int]:
        """Those of one face, by torch's operators for convolutions and products of matrices."""
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        def by_a_vector(matrix: Sequence[int], *_: object, **__: object) -> int:
            return 2 * matrix[0] * matrix[1]

        # Its own table does not know the product of a matrix and a vector.
        counter = FlopCounterMode(display=False, custom_mapping={torch.ops.aten.mv: by_a_vector})
        crop = torch.zeros(1, 3, crop_size, crop_size, device=self._device)
        with torch.inference_mode(), counter:
            self.model.predict(crop)
        found = counter.get_flop_counts().get("Global", {})
        return {str(operator): operations // 2 for operator, operations in found.items()}


def for_each_step(below: float | Thresholds, steps: int) -> Thresholds:
    """Thresholds for each step but the last, if one is given for all of them.

    Raises:
        ValueError: if there are more of them, or fewer.
    """
    each = below if isinstance(below, tuple) else (float(below),) * steps
    if len(each) != steps:
        raise ValueError(f"expected a threshold, or one for each of {steps} steps, found {each}")
    return each


def quitter(backend: Backend) -> OnnxBackend | TorchBackend | None:
    """A backend whose `quit_below` may be chosen; None if that of this one may not."""
    if isinstance(backend, (OnnxBackend, TorchBackend)) and backend.can_quit:
        return backend
    return None


def open_weights(path: Path, *, device: str = "cpu", threads: int = 1) -> tuple[Manifest, Backend]:
    """Open a weights file with the backend for its kind.

    Args:
        path: an `.onnx` or, where torch is installed, a `.safetensors` file.
        device: "cpu" or "cuda".
        threads: how many cores ONNX Runtime may use; torch keeps its own setting.

    Raises:
        WeightsError: naming the file and what is wrong with it.
    """
    if path.suffix.lower() == ".safetensors":
        return TorchBackend.open(path, device=device)
    backend = OnnxBackend(path, device=device, threads=threads)
    return backend.manifest, backend


def profile(path: Path, folder: Path) -> Path:
    """Run an ONNX file once as it stands, with nothing optimized, and have each node noted.

    Its inputs are zeros, one of each where the file leaves open how many.

    Args:
        path: the file.
        folder: where ONNX Runtime writes its notes.

    Returns:
        The notes: a JSON list of events.

    Raises:
        WeightsError: naming the file, if it is damaged, not an ONNX file, or does not run.
    """
    seal.check(path)
    options = _options(threads=1)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    # Values that are packed for speed are no longer among a node's inputs.
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    session = _open_session(path, "cpu", options)
    shapes = {
        door.name: [side if isinstance(side, int) else 1 for side in door.shape]
        for door in session.get_inputs()
    }
    try:
        session.run(None, {name: np.zeros(shape, np.float32) for name, shape in shapes.items()})
    except FAULTS as error:
        raise WeightsError(f"{path}: cannot be run on zeros ({error})") from None
    return Path(session.end_profiling())


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # It plans memory for every size of batch it meets, and keeps it all.
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # we say ourselves what is wrong
    return options


def _open_session(
    path: Path, device: str, options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    _check_known(device)
    if PROVIDERS[device] not in onnxruntime.get_available_providers():
        raise ValueError(
            f"device {device!r}: the installed ONNX Runtime has no {PROVIDERS[device]}"
        )
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[PROVIDERS[device]])
    except FAULTS as error:
        raise WeightsError(
            f"{path}: damaged, or not an ONNX file; copy or download it again ({error})"
        ) from None


def _check_known(device: str) -> None:
    if device not in PROVIDERS:
        raise ValueError(f"expected device {' or '.join(PROVIDERS)}, found {device!r}")


def _read_safetensors(path: Path) -> tuple[Manifest, "dict[str, torch.Tensor]"]:
    from safetensors import SafetensorError, safe_open

    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        raise WeightsError(
            f"{path}: running it needs torch, which is not installed; "
            "`pip install canthus[torch]`, or export the model to ONNX"
        ) from None
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(KEY)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError) as error:
        raise WeightsError(f"{path}: damaged, or not a safetensors file ({error})") from None
    if text is None:
        raise WeightsError(f"{path}: a safetensors file without a Canthus manifest")
    return Manifest.from_json(text, str(path)), weights


def _as_input(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    planes = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32)
    planes /= 255
    return planes


def _checked(arrays: Arrays, where: str) -> Arrays:
    if not all(np.isfinite(values).all() for values in arrays.values()):
        raise WeightsError(f"{where}: the network answers numbers that are not finite")
    return arrays


def _fits(found: Sequence[int | str | None], wanted: Sequence[int]) -> bool:
    """Whether shapes agree; a side with a name or none may be anything, as where -1 is wanted."""
    return len(found) == len(wanted) and all(
        size in (side, -1) or not isinstance(side, int)
        for side, size in zip(found, wanted, strict=True)
    )

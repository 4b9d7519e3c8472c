"""Imported weights run as they were published, face by face, in place of our own way."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import repeat
from os import PathLike
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from canthus.errors import CanthusError, WeightsError
from canthus.faces import Face
from canthus.geometry import Box
from canthus.importing import dpr_pipeline, heatmap_pipeline, lgrn_pipeline, tddfa_pipeline
from canthus.models import Dpr, Heatmap, Lgrn, Network, Tddfa
from canthus.runtime import weights
from canthus.runtime.aligner import BATCH_SIZE, Aligner, Answer, Picture, opened
from canthus.runtime.backend import Arrays, TorchBackend, open_weights
from canthus.runtime.looks import Boxes
from canthus.runtime.manifest import Manifest

if TYPE_CHECKING:
    from canthus.detection import Detector

Image = NDArray[np.uint8]


class Pipeline(Protocol):
    """From a picture and the tight box of a face to what is answered of it, in the picture."""

    def __call__(self, picture: Image, box: Box) -> Arrays: ...


class PublishedAligner(Aligner):
    """Runs imported networks face by face, each in the box as it is drawn.

    Where a detector is to look, the boxes are the tight boxes that it expects. A face's turn is
    left to the network.
    """

    def __init__(
        self,
        manifest: Manifest,
        backend: TorchBackend,
        pipeline: Pipeline,
        detector: "Detector | None" = None,
    ) -> None:
        super().__init__(manifest, backend, detector)
        self._pipeline = pipeline

    def __call__(
        self, image: Picture, boxes: Boxes | None = None, boxes_from: str = "tight"
    ) -> list[Face]:
        picture = opened(image)
        return [
            self._face(self._pipeline(picture, look.box), look.score)
            for look in self._looks(picture, boxes, boxes_from)
        ]

    def stream(
        self,
        images: Iterable[Picture],
        boxes: Iterable[Boxes | None] | None = None,
        boxes_from: str = "tight",
        *,
        batch_size: int = BATCH_SIZE,
    ) -> Iterator[Answer]:
        pairs = zip(images, repeat(None)) if boxes is None else zip(images, boxes, strict=True)
        for image, drawn in pairs:
            try:
                yield self(image, drawn, boxes_from)
            except (CanthusError, ValueError) as error:
                yield error


def load_published(
    name_or_path: str | PathLike[str] | None,
    *,
    device: str = "cpu",
    threads: int = 1,
    detector: "Detector | None" = None,
) -> PublishedAligner:
    """Open imported weights to run as they were published; as `canthus.load`.

    Raises:
        WeightsError: naming the file, if it is missing, damaged, not of Canthus, or no import that
            has a published pipeline.
        ValueError: if there is no such device here.
    """
    manifest, backend = open_weights(weights.find(name_or_path), device=device, threads=threads)
    if not isinstance(backend, TorchBackend):
        raise WeightsError(f"{manifest.name}: parity is about the .safetensors file of an import")
    named = replace(manifest, name=f"{manifest.name} as published")
    return PublishedAligner(named, backend, _pipeline_of(backend.model, manifest.name), detector)


def _pipeline_of(network: Network, name: str) -> Pipeline:
    if isinstance(network, Dpr) and network.published:
        return _DprPipeline(network)
    if isinstance(network, Tddfa) and network.config.conventions != "clean":
        return _TddfaPipeline(network, network.config.conventions)
    if isinstance(network, Lgrn) and network.config.conventions == "published":
        return _LgrnPipeline(network)
    if isinstance(network, Heatmap) and network.config.labels == "published":
        return _HeatmapPipeline(network)
    raise WeightsError(
        f"{name}: parity is about weights that `canthus import dpr`, `heatmap`, `lgrn` or `tddfa` "
        "wrote"
    )


class _DprPipeline:
    """A box's edges are taken for those of the published rectangle."""

    def __init__(self, network: Dpr) -> None:
        self._network = network

    def __call__(self, picture: Image, box: Box) -> Arrays:
        found = dpr_pipeline.align(self._network, picture, box.as_tuple())
        points = found.whole if found.refined is None else found.refined
        return {"points": points.astype(np.float32)}  # how sure they are, they do not say


class _HeatmapPipeline:
    """The box is taken for that about the landmarks."""

    def __init__(self, network: Heatmap) -> None:
        self._network = network

    def __call__(self, picture: Image, box: Box) -> Arrays:
        return {"points": heatmap_pipeline.align(self._network, picture, box)}


class _TddfaPipeline:
    """The square is that about landmarks, whose tight box is given."""

    def __init__(self, network: Tddfa, conventions: tddfa_pipeline.Conventions) -> None:
        self._network, self._conventions = network, conventions

    def __call__(self, picture: Image, box: Box) -> Arrays:
        x0, y0, x1, y1 = box.as_tuple()
        square = tddfa_pipeline.square_of_points([(x0, y0), (x1, y1)])
        (whitened,) = tddfa_pipeline.look(self._network, picture, [square])
        found = tddfa_pipeline.landmarks(self._network, whitened, square, self._conventions)
        return {"points": found[:, :2], "depths": -found[:, 2]}  # published toward the viewer


class _LgrnPipeline:
    """The square is that about landmarks, whose tight box is given."""

    def __init__(self, network: Lgrn) -> None:
        self._network = network

    def __call__(self, picture: Image, box: Box) -> Arrays:
        x0, y0, x1, y1 = box.as_tuple()
        square = lgrn_pipeline.square_of_points([(x0, y0), (x1, y1)])
        return {"points": lgrn_pipeline.align(self._network, picture, square)}

"""From a picture to its faces: weights files, the backends that run them, and the aligner."""

from canthus.runtime.aligner import Aligner, Answer, load
from canthus.runtime.backend import Backend, OnnxBackend, TorchBackend, open_weights
from canthus.runtime.manifest import Figure, Manifest

__all__ = [
    "Aligner",
    "Answer",
    "Backend",
    "Figure",
    "Manifest",
    "OnnxBackend",
    "TorchBackend",
    "load",
    "open_weights",
]

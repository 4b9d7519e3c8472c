"""Face alignment: from a photo to the landmarks of every face in it.

    import canthus

    aligner = canthus.load()
    faces = aligner(canthus.read_image("party.jpg"))
    faces[0].landmarks.part("left_eye")  # (n, 2) float32, in the picture's pixels

Names are imported when first used, so that importing the package costs nothing.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "SCHEMES",
    "Aligner",
    "Box",
    "CanthusError",
    "DatasetError",
    "Face",
    "ImageError",
    "LandmarkScheme",
    "Landmarks",
    "Manifest",
    "Pose",
    "RecipeError",
    "Similarity",
    "StorageError",
    "TrainingError",
    "WeightsError",
    "__version__",
    "load",
    "read_image",
]

if TYPE_CHECKING:
    from canthus.errors import (
        CanthusError,
        DatasetError,
        ImageError,
        RecipeError,
        StorageError,
        TrainingError,
        WeightsError,
    )
    from canthus.faces import SCHEMES, Face, Landmarks, LandmarkScheme, Pose
    from canthus.geometry import Box, Similarity
    from canthus.images.files import read_image
    from canthus.runtime import Aligner, Manifest, load
else:
    _ROOMS = {
        "errors": (
            "CanthusError",
            "DatasetError",
            "ImageError",
            "RecipeError",
            "StorageError",
            "TrainingError",
            "WeightsError",
        ),
        "faces": ("SCHEMES", "Face", "LandmarkScheme", "Landmarks", "Pose"),
        "geometry": ("Box", "Similarity"),
        "images.files": ("read_image",),
        "runtime": ("Aligner", "Manifest", "load"),
    }
    _ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

    def __getattr__(name):
        if name not in _ROOM_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__})

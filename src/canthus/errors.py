"""Every error that Canthus raises on purpose.

    CanthusError
    ├── ImageError      a picture that cannot be read, or is not what it claims to be
    ├── DatasetError    annotations that are not in the layout they should have
    ├── RecipeError     a training, or a part of one, that makes no sense
    ├── WeightsError    a weights file that cannot be trusted or does not fit
    ├── TrainingError   a training that had to stop
    └── StorageError    a file that cannot be written

A caller's slip, such as an array of the wrong shape, is a `ValueError`.
"""


class CanthusError(Exception):
    """Anything that went wrong for a reason the user can act on."""


class ImageError(CanthusError):
    """A picture cannot be read: where, what was expected and what was found."""


class DatasetError(CanthusError):
    """Annotations are not in the promised layout: file and line, expected and found."""


class RecipeError(CanthusError):
    """A recipe or a setting is wrong: which key, what it may be."""


class WeightsError(CanthusError):
    """A weights file is damaged, unknown or does not fit: which entry, and what to do."""


class TrainingError(CanthusError):
    """A training had to stop: at which step, with which faces."""


class StorageError(CanthusError):
    """A file cannot be written: which one, and why."""

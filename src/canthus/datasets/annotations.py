"""Somebody's own annotations, in any format that is read, and how they are divided."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from canthus.datasets.formats import FORMATS, detect
from canthus.datasets.sample import Sample
from canthus.errors import DatasetError
from canthus.faces import LandmarkScheme


def read(path: Path, scheme: LandmarkScheme) -> list[Sample]:
    """The faces of a file or folder, whose format is told by its content.

    Raises:
        DatasetError: if it is of no known format, or not as that has it.
    """
    return FORMATS[detect(path)].read(path, scheme)


def grouped(samples: Sequence[Sample], pattern: str) -> list[Sample]:
    r"""The samples with groups that a regular expression finds in their pictures' names.

    Args:
        samples: of annotations.
        pattern: as `cat_\d+`; what is in its first parentheses is the group, if it has any.

    Raises:
        DatasetError: if it is no regular expression, or finds nothing in a name.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DatasetError(f"{pattern!r}: expected a regular expression: {error}") from None
    return [replace(sample, group=_group(sample, expression)) for sample in samples]


def hold_out(
    samples: Sequence[Sample], share: float, *, salt: str = ""
) -> tuple[list[Sample], list[Sample]]:
    """Samples to learn from, and samples kept apart; a group is on one side, whole.

    Args:
        samples: to divide.
        share: of the groups to keep apart, about.
        salt: another one divides differently, so that what is left can be divided again.
    """
    kept = [_draw(salt + Path(sample.group).as_posix()) < share for sample in samples]
    learned = [sample for sample, apart in zip(samples, kept, strict=True) if not apart]
    return learned, [sample for sample, apart in zip(samples, kept, strict=True) if apart]


def _group(sample: Sample, expression: re.Pattern[str]) -> str:
    found = expression.search(sample.name)
    if not found or not (group := found[1 if expression.groups else 0]):
        raise DatasetError(
            f"{sample.image}: expected a group in the name {sample.name!r} by "
            f"{expression.pattern!r}, found none"
        )
    return group


def _draw(group: str) -> float:
    digest = hashlib.sha256(group.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64

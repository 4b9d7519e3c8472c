"""The command, called as from a shell."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from canthus.cli import main
from canthus.images.files import write_image


@dataclass(frozen=True)
class Outcome:
    """What a command has said, and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Runs the command with arguments."""

    def run(*arguments: str | os.PathLike[str]) -> Outcome:
        monkeypatch.setattr(
            sys, "argv", ["canthus", *(os.fspath(argument) for argument in arguments)]
        )
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        if isinstance(end.value.code, str):  # Python itself prints such a code
            return Outcome(1, said.out, f"{said.err}{end.value.code}\n")
        return Outcome(end.value.code or 0, said.out, said.err)

    return run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of 200 x 150 pixels with a soft white spot about (81, 62)."""
    across, down = np.meshgrid(np.arange(200) - 81, np.arange(150) - 62)
    bright = 255 * np.exp(-(across**2 + down**2) / (2 * 4**2))
    image = np.repeat(bright.round().astype(np.uint8)[:, :, None], 3, axis=2)
    path = tmp_path / "photos" / "photo.png"
    path.parent.mkdir()
    write_image(path, image)
    return path

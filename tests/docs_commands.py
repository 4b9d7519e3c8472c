"""The commands of the docs: found, parsed as the command line parses them, and told apart."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from torch.distributed.run import parse_args
from typer.core import TyperGroup

from canthus.cli.request import make_parser, read
from canthus.cli.verbs import ALIGN, app
from canthus.recipes import find_recipe
from canthus.training import read_recipe

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
TO_FILE = ">"
INSTALLED = ".venv/bin/"

# What stands for what the reader is to put there; for teachers, as one step makes none; and for
# times, which are a machine's own: regular expressions, on a command.
STANDS_FOR = {
    r"\bSEED\b": "3",
    r"=LOSS (?=.*WEIGHING)": "=wing ",
    r"=LOSS\b": "=l2",
    r"\bWEIGHING\b": "fixed",
    r"\bDECODER\b": "fit",
    r"--set CHANGE\b": "--set model.topology=sat",
    r"\bLABELS\b": "published",
    r"\bFIRST_MACHINE\b": "localhost",
    r"^(canthus face-model convert bfm) FOLDER\b": r"\1 bfm",
    r"\bIN OUT --from\b": "annotations.xml dlib.xml --from",
    r"\bIN OUT --scheme 98\b": "of-98.csv of-68.csv --scheme 98",
    r"\bIN OUT --scheme mine\b": "of-mine.csv of-5.csv --scheme mine",
    r"\bIN OUT --apart TEST\b": "cats.csv learn.csv --apart test.csv",
    r"\btheirs\.npz wflw\b": "of-wflw.npz wflw",
    r"\btheirs\.npz --scheme mine\b": "of-mine.npz --scheme mine",
    r"\blifted\.npz --data data\b": "lifted.npz --data marked",
    r"--budget 1\.1ms\b": "--budget 100ms",  # on a busy machine the first step takes longer
    r"^canthus teach runs/released\.safetensors\b": "canthus teach dpr-gsr-98",
    r"^canthus teach runs/hourglass-teacher/model\.safetensors\b": "canthus teach hourglass",
    r"^canthus teach runs/hourglass2-d3-cab-teacher/model\.safetensors --device cuda\b": "canthus "
    "teach hourglass",
}

# Words that make a command short, behind those of the page.
LESS = {
    r"^canthus train ": "--set schedule.steps=1 --set schedule.batch_size=2 "
    "--set schedule.hold_out=0.2 --threads 1",
    r"^canthus train .* --workers ": "--workers 0",  # to start one takes longer than the step
    r"^canthus train hourglass2-d3-cab": "--set model.width=0.125",
    r"^canthus train hourglass-256 ": "--set start=runs/hourglass-128/model.safetensors",
    r"^canthus benchmark ": "--model fast --runs 1 --faces 1",
    r"^canthus profiles ": "--limit 1",
    r"^canthus face-model learn ": "--identities 2 --expressions 1",
    r"^canthus face-model convert ict ": "--identities 3",
}

# Commands that are parsed and not run, by regular expressions on "PAGE: COMMAND", and why.
NOT_RUN = {
    r": python3 -m venv ": "makes an environment",
    r": pip install ": "installs packages, from the network",
    r": scripts/check$": "runs all tests, these too",
    r": python scripts/train_alike\.py ": "trains eight networks, for hours without a GPU",
    r": torchrun ": "starts four processes; tests/training/test_processes.py starts two",
    r": canthus import dpr FOLDER ": "needs the released weights",
    r" (released|gsr)\.safetensors\b": "made of the released weights",
    r": canthus import tddfa ": "needs the published weights and the Basel face model",
    r" mb05\.safetensors\b": "made of the published weights",
    r" --(dlib|mediapipe) ": "needs a tool that is no dependency",
    r" lgrn-wflw-resnet34 ": "needs WFLW, and is too large a network for a test",
    r": canthus export runs/(?!fast)": "takes ten seconds and more; tests/families "
    "exports a network of each family",
    r"own-faces\.md: ": "tests/journeys/test_own_faces.py runs all of the page",
}

# What a page takes to have been run before: commands of the page about trainings.
TRAININGS = "docs/howto/train.md"
BEFORE = {
    "docs/methods/dpr.md": r"^canthus teach runs/hourglass-teacher/",
    "docs/methods/tddfa.md": r"^canthus fit ",
}

# Commands that another page runs, with what has to be run before; by expressions as above.
ELSEWHERE = {
    r"export\.md: canthus export runs/fast/": TRAININGS,
    r"docs/models/.*: canthus train ": TRAININGS,
    r"docs/methods/lgrn\.md: canthus train lgrn(-base|-taught)? ": TRAININGS,
    r"docs/methods/(musica|tddfa)\.md: canthus train (musica|tddfa) ": TRAININGS,
}

# Commands that end with 1 on little data, and what they say then.
ENDS_WITH_1 = {r"^canthus inspect wflw ": "not whole"}


@dataclass(frozen=True)
class Command:
    """One command of a page.

    Attributes:
        page: its path below the root.
        text: as it stands there, on one line and without comments.
        to_file: that its output goes to, or none.
    """

    page: str
    text: str
    to_file: str = ""

    @property
    def words(self) -> list[str]:
        """What a shell would make of it, with something in place of what the reader puts in."""
        text = self.text
        for pattern, ours in STANDS_FOR.items():
            text = re.sub(pattern, ours, text)
        return shlex.split(text)

    @property
    def where(self) -> str:
        """It and its page, as `NOT_RUN` has them."""
        return f"{self.page}: {self.text}"

    @property
    def runs(self) -> bool:
        """Whether it is run where it stands."""
        return not any(re.search(pattern, self.where) for pattern in (*NOT_RUN, *ELSEWHERE))

    @property
    def complaint(self) -> str:
        """What it says as it ends with 1; nothing if it is to end with 0."""
        found = [said for pattern, said in ENDS_WITH_1.items() if re.search(pattern, self.text)]
        return "".join(found)

    @property
    def short(self) -> list[str]:
        """Its words, and those that make it short."""
        more = [more for pattern, more in LESS.items() if re.search(pattern, self.text)]
        return [*self.words, *" ".join(more).split()]


def commands_of(page: Path) -> list[Command]:
    """All commands in the blocks `sh` of a page, in their order."""
    name = page.relative_to(ROOT).as_posix()
    blocks = "".join(BLOCK.findall(page.read_text(encoding="utf-8")))
    lines = blocks.replace("\\\n", " ").splitlines()
    return [command for line in lines for command in _commands(name, line)]


def _commands(page: str, line: str) -> Iterator[Command]:
    words = shlex.split(line, comments=True)
    while words:
        end = words.index("&&") if "&&" in words else len(words)
        said, words = words[:end], words[end + 1 :]
        to_file = said.pop() if TO_FILE in said[-2:-1] else ""
        said = said[:-1] if to_file else said
        yield Command(page, shlex.join([said[0].removeprefix(INSTALLED), *said[1:]]), to_file)


def understood(words: Sequence[str]) -> None:
    """Parse a command as the command line does, and run nothing.

    Raises:
        SystemExit, ClickException, CanthusError, AssertionError: if it makes no sense.
    """
    match words[0]:
        case "canthus":
            _parse(words[1:])
        case "torchrun":
            launched = parse_args(list(words[1:]))  # type: ignore[no-untyped-call]
            assert launched.module
            assert launched.training_script == "canthus.cli"
            _parse(launched.training_script_args)
        case "python" if words[1] == "-c":
            compile(words[2], "command", "exec")
        case "python":
            assert (ROOT / words[1]).is_file()
        case other:
            raise AssertionError(f"{other}: no program of ours, and not among NOT_RUN")


def _parse(words: Sequence[str]) -> None:
    if words[0] == ALIGN:
        read(make_parser(), words[1:])
        return
    command, rest = typer.main.get_command(app), list(words)
    context = command.make_context("canthus", [*rest])
    while isinstance(command, TyperGroup):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, name
        command, context = found, found.make_context(name, [*rest], parent=context)
    if words[0] == "train" and not context.params["recipe"].endswith(".yaml"):
        read_recipe(find_recipe(context.params["recipe"]), context.params["set_"] or [])

"""The command `canthus`: each verb is a function in the file of its name.

A verb's file is imported when the verb is called, so that aligning one picture waits for nothing
that only a training needs.
"""

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from canthus import __version__
from canthus.errors import CanthusError

VERBS = {
    "align": "Find the landmarks of every face in pictures.",
    "benchmark": "Measure speed, cold start and accuracy on this machine.",
    "evaluate": "Measure how wrong a model is on annotated faces.",
    "export": "Write a trained model as an ONNX file, and prove it equal.",
    "models": "List the models inside, with size, license and figures.",
    "train": "Train a model by a recipe.",
}


class _Verbs(TyperGroup):
    """The verbs by name; a verb's file is imported when the verb is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS:
            return None
        if cmd_name not in self.commands:
            verb = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
            self.commands[cmd_name] = _command(verb, cmd_name)
        return self.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def _plain_app(**settings: Any) -> typer.Typer:
    """An app without rich, which takes longer to import than a face to align."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


def _command(verb: Any, name: str) -> Any:
    app = _plain_app()
    app.command(name, help=verb.__doc__)(verb)
    return typer.main.get_command(app)


app = _plain_app(cls=_Verbs, no_args_is_help=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"canthus {__version__}")
        raise typer.Exit


@app.callback()
def _canthus(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Find, train and measure the landmarks of faces."""


def main() -> None:
    """Run the command and exit: 0 done, 1 a reason the user can act on, 2 misuse."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(prog_name="canthus")
    except CanthusError as error:
        sys.exit(f"canthus: {error}")
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "safetensors", "onnx", "onnxscript"):
            raise
        sys.exit(f"canthus: this needs {error.name}; install it with `pip install canthus[torch]`")

"""The verbs that typer reads: each is a function in the file of its name, or a table of some.

A verb's file is imported when the verb is called, so that none waits for what only another needs.
"""

from importlib import import_module
from keyword import iskeyword
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from canthus import __version__

ALIGN = "align"  # has a reader of its own, see docs/decisions/command-line-start.md
VERBS = {
    ALIGN: "Find the landmarks of every face in pictures.",
    "benchmark": "Measure speed, cold start and accuracy on this machine.",
    "calibrate": "Measure anew how far a model's landmarks may be off.",
    "compare": "Compare models on the same faces, from their reports.",
    "convert": "Convert annotations between formats and landmark schemes.",
    "datasets": "List the public data sets and benchmarks, and where they come from.",
    "evaluate": "Measure how wrong a model, or a file of predictions, is.",
    "export": "Write a trained model as an ONNX file, and prove it equal.",
    "face-model": "Convert a face model, learn one, or show what is in one.",
    "fit": "Fit a face model to training faces, for 3DDFA to learn from.",
    "import": "Read weights that another project has published.",
    "inspect": "Check a copy of a public data set.",
    "models": "List the models inside, with size, license and figures.",
    "profiles": "Turn the faces of a data set to the side, for a model to learn from.",
    "schemes": "List the landmark schemes, or check one of one's own.",
    "teach": "Let a model annotate training faces, for another to learn from.",
    "train": "Train a model by a recipe.",
}


class _Verbs(TyperGroup):
    """The verbs by name; a verb's file is imported when the verb is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS or cmd_name == ALIGN:
            return None
        if cmd_name not in self.commands:
            name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name.replace("-", "_")
            verb = getattr(import_module(f"canthus.cli.{name}"), name)
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
    """A verb's command; of a table of functions, one with a word for each."""
    if callable(verb):
        app, table = _plain_app(), {name: verb}
    else:
        app, table = _plain_app(help=VERBS[name], no_args_is_help=True), verb
    for word, function in table.items():
        app.command(word, help=function.__doc__)(function)
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

"""The command `canthus`: each verb has the file of its name."""

import os
import sys

from canthus.errors import CanthusError

# What `pip install canthus[...]` brings.
EXTRAS = {
    "torch": ("torch", "safetensors", "onnx", "onnxscript"),
    "evaluate": ("h5py", "jinja2", "matplotlib", "scipy"),
}


def main() -> None:
    """Run the command and exit: 0 done, 1 a reason the user can act on, 2 misuse."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        _run(sys.argv[1:])
    except CanthusError as error:
        sys.exit(f"canthus: {error}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        extra = next((extra for extra, names in EXTRAS.items() if missing in names), None)
        if extra is None:
            raise
        sys.exit(f"canthus: this needs {missing}; install it with `pip install 'canthus[{extra}]'`")
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _run(arguments: list[str]) -> None:
    if arguments[:1] == ["align"]:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # 30 ms for threads that nobody needs
        from canthus.cli.align import align

        align(arguments[1:])
    else:
        from canthus.cli.verbs import app

        app(prog_name="canthus")

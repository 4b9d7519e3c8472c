"""What the parts of a G&LSR add to the whole face: python THIS WEIGHTS RECIPE DATA.

WEIGHTS is what a training of RECIPE wrote. Prints, for several shares of the parts in the answer,
the error on the faces that the training kept apart, and on both validation sets by the outer eye
corners.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from canthus.evaluation import evaluate, open_benchmark
from canthus.models import DprConfig, build
from canthus.runtime import Aligner
from canthus.runtime.backend import TorchBackend
from canthus.training import checkpoint, read_recipe
from canthus.training.finish import manifest_of
from canthus.training.loop import divided
from canthus.training.sets import read_sets

SHARES = (0.0, 0.3, 0.5, 1.0)


def main() -> None:
    """Print a line for each share and set of faces."""
    torch.set_num_threads(1)
    weights, recipe, data = Path(sys.argv[1]), read_recipe(Path(sys.argv[2])), Path(sys.argv[3])
    tensors = checkpoint.read_tensors(weights)[0]
    _, held_out = divided(read_sets(recipe, data), recipe)
    for share in SHARES:
        assert isinstance(recipe.model, DprConfig)
        network = build(replace(recipe.model, local_share=share)).eval()
        network.load_state_dict(tensors)
        print(f"share {share}: {held_out.error(network):.4f} sides of the face, kept apart")
        aligner = Aligner(manifest_of(recipe), TorchBackend(network))
        for name in ("300w-val", "ytf68-val"):
            report = evaluate(aligner, open_benchmark(name, data))
            parts = ", ".join(f"{part} {100 * value:.2f}" for part, value in report.parts.items())
            print(f"  {name}: {100 * report.headline.nme:.2f} %, {parts}")


if __name__ == "__main__":
    main()

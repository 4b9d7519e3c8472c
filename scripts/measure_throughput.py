"""Faces a second of the network alone, beside 3DDFA's: python THIS [--threads 2] MODEL.onnx ...

Batches of 128 crops and of one, of noise. The networks of 3DDFA and 3DDFA_V2, MobileNet of width 1
and 0.5 at 120 pixels, run in torch as the originals do, with fresh weights; the models in
onnxruntime. All take turns in one run; medians of them are printed, and ratios to the first.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from canthus.models.layers.mobilenet import MobileNet
from canthus.runtime import weights
from canthus.runtime.backend import open_weights

COEFFICIENTS = 62
SIZE = 120
BATCHES = (128, 1)
RUNS = {128: 15, 1: 200}


def main() -> None:
    """Print a line for each network and size of batch."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    for batch in BATCHES:
        networks = {f"MobileNet {width} in torch": original(width, batch) for width in (1.0, 0.5)}
        networks |= {name: model(name, batch, asked.threads) for name in asked.models}
        times: dict[str, list[float]] = {name: [] for name in networks}
        for run in range(RUNS[batch] + 3):
            for name, network in networks.items():
                begin = time.perf_counter()
                network()
                if run >= 3:
                    times[name].append(time.perf_counter() - begin)
        first = statistics.median(next(iter(times.values())))
        print(f"batches of {batch}, {asked.threads} threads")
        for name, each in times.items():
            middle = statistics.median(each)
            print(
                f"  {name:<28}{batch / middle:8.0f} faces/s{1000 * middle / batch:8.3f} ms a face"
                f"{first / middle:7.2f} times"
            )


def original(width: float, batch: int) -> Callable[[], object]:
    """A batch of a published network in torch."""
    network = MobileNet(width, COEFFICIENTS).eval()
    crops = torch.rand(batch, 3, SIZE, SIZE)

    def run() -> object:
        with torch.inference_mode():
            return network(crops)

    return run


def model(name: str, batch: int, threads: int) -> Callable[[], object]:
    """A batch of one of our models."""
    manifest, backend = open_weights(weights.find(name), threads=threads)
    side = manifest.crop_size
    crops = np.random.default_rng(0).integers(0, 256, (batch, side, side, 3), np.uint8)
    return lambda: backend.run(crops)


if __name__ == "__main__":
    main()

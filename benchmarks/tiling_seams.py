"""Do tiles show? Compares tiled with whole-image results of a large photograph, at the seams and elsewhere.

    python benchmarks/tiling_seams.py PHOTO [--fov MASK] [--model NAME|FILE] [--diameter 0]

Prints a Markdown table: differences of the probability within 8 px of a boundary between two tiles ("at seams"), within
8 px of the middle lines of the tiles, which cross like parts of the retina ("mid-tile"), and over all. "Own gates" is
every tile with the squeeze-and-excitation gates of its own pixels: what happens without the method of
``core.inference.se_gates``. The whole image in fp32 takes about 700 bytes for each pixel.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from core.inference.options import InferenceOptions
from core.inference.predictor import Prediction, predict
from core.inference.tiling import Span, plan_tiles
from core.models.catalogue import DEFAULT_MODEL, load_model
from core.models.weights_file import LoadedModel
from core.photo.field_of_view import estimate_field_of_view
from core.photo.preprocessing import NetInput, prepare
from core.photo.reading import read_fov, read_fundus
from core.types import BoolArray

_NO_TILES = 1_000_000
_OWN_GATES = 1.0
_NEAR_PX = 8


@dataclass(frozen=True)
class Row:
    """One way of tiling, compared with the whole image; differences are of probabilities inside the field of view."""

    name: str
    prediction: Prediction
    seconds: float
    largest: float
    at_seams: float
    mid_tile: float
    overall: float
    changed: float
    dice: float

    def line(self) -> str:
        p = self.prediction
        change = f"{p.gate_change:.5f}" if p.passes > 1 else "-"
        return (
            f"| {self.name} | {p.tiles} of {p.tile_shape[1]} x {p.tile_shape[0]} | {p.passes} | {change} | "
            f"{self.largest:.4f} | {self.at_seams:.2e} | {self.mid_tile:.2e} | {self.overall:.2e} | "
            f"{self.changed:.4%} | {self.dice:.5f} | {self.seconds:.0f} |"
        )


def bands(prediction: Prediction, shape: tuple[int, int], stride: int) -> tuple[BoolArray, BoolArray]:
    """Pixels within 8 px of a boundary between two tiles, and pixels within 8 px of a middle line of a tile."""
    padded = tuple(side + -side % stride for side in shape)
    options = prediction.options
    assert options.tile_px is not None
    plan = plan_tiles((padded[0], padded[1]), options.tile_px, options.overlap_px, stride)

    def near(rows: list[int], columns: list[int]) -> BoolArray:
        band = np.zeros(padded, np.bool_)
        for at in rows:
            band[at - _NEAR_PX : at + _NEAR_PX] = True
        for at in columns:
            band[:, at - _NEAR_PX : at + _NEAR_PX] = True
        return band[: shape[0], : shape[1]]

    def middles(spans: Sequence[Span]) -> list[int]:
        return [(span.core_start + span.core_stop) // 2 for span in spans]

    at_seams = near([span.core_start for span in plan.rows[1:]], [span.core_start for span in plan.columns[1:]])
    return at_seams, near(middles(plan.rows), middles(plan.columns)) & ~at_seams


def compare(name: str, model: LoadedModel, data: NetInput, options: InferenceOptions, whole: Prediction) -> Row:
    started = time.perf_counter()
    tiled = predict(model, data, options)
    seconds = time.perf_counter() - started
    difference = np.abs(tiled.values - whole.values)
    at_seams, mid_tile = bands(tiled, data.inside.shape, int(model.module.stride))
    threshold = model.card.default_threshold
    one, other = tiled.values >= threshold, whole.values >= threshold
    return Row(
        name,
        tiled,
        seconds,
        float(difference.max()),
        float(difference[at_seams & data.inside].mean()),
        float(difference[mid_tile & data.inside].mean()),
        float(difference[data.inside].mean()),
        float((one != other)[data.inside].mean()),
        2 * int((one & other).sum()) / max(1, int(one.sum()) + int(other.sum())),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--fov", type=Path, help="mask of the field of view; found in the photograph where not given")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--diameter", type=float, default=0.0, help="field of view in pixels; 0 for native resolution")
    parser.add_argument("--overlaps", type=int, nargs="*", default=[32, 64, 128, 192])
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    given = parser.parse_args()

    model = load_model(given.model)
    image = read_fundus(given.photo)
    fov = read_fov(given.fov, shape=image.shape) if given.fov else estimate_field_of_view(image)
    data = prepare(image, fov, model.card.preprocessing.model_copy(update={"fov_diameter_px": given.diameter}))
    options = InferenceOptions(precision=given.precision)
    started = time.perf_counter()
    whole = predict(model, data, replace(options, tile_px=_NO_TILES))
    print(
        f"{image.shape[1]} x {image.shape[0]} photograph, {data.inside.shape[1]} x {data.inside.shape[0]} "
        f"for the network; {model.card.name} ({model.sha256[:12]}), {whole.device_label}, {whole.precision}; "
        f"the whole image took {time.perf_counter() - started:.0f} s. Threshold {model.card.default_threshold:.4f}.\n"
    )
    print(
        "| tiles | number and size | passes | last change of a gate | largest difference | mean at seams | "
        "mean mid-tile | mean over all | pixels that change sides | Dice | seconds |"
    )
    print("| --- " * 11 + "|")
    default = compare("default", model, data, options, whole)
    print(default.line(), flush=True)
    for overlap in given.overlaps:
        one = replace(options, overlap_px=overlap, tile_px=default.prediction.options.tile_px)
        print(compare(f"overlap {overlap}", model, data, one, whole).line(), flush=True)
    own = replace(options, gate_tolerance=_OWN_GATES)
    print(compare("own gates", model, data, own, whole).line(), flush=True)


if __name__ == "__main__":
    main()

"""What does a finer grid bring to photographs that have the pixels for it?

    python benchmarks/finer_scale.py --root DATA --model MODEL --photographs SET PART [NAME ...] [--photographs ...]
        [--largest 0 860 1020] [--results FOLDER] [--out MODEL.safetensors]

Measures a model on photographs that were held out from it, with several ``fov_diameter_max_px`` in its recipe
(0 is none). Its threshold stays. Prints rows of docs/benchmarks/recipe.md. ``--out`` writes the model with the value
that has the best mean of F1 over the data sets, the scores in its card measured with it. ``--results`` keeps the maps,
and uses those that are there.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from connectedness import Photograph, read

from core.evaluation.confusion import LevelHistogram
from core.evaluation.curves import PooledValues
from core.files import write_bytes_atomic
from core.models.catalogue import load_model
from core.models.weights_file import LoadedModel
from core.models.weights_header import with_card
from core.threshold_rule import LEVELS

_EXACT_PIXELS = 50_000_000


@dataclass(frozen=True)
class Scored:
    """A data set, all pixels inside the fields of view pooled; ``f1`` at the model's own threshold."""

    auc_roc: float
    auc_pr: float
    f1: float
    best_f1: float
    best_level: int


def with_largest(model: LoadedModel, largest: float) -> LoadedModel:
    """The model with another ``fov_diameter_max_px`` in its recipe."""
    recipe = type(model.card.preprocessing).from_dict(
        model.card.preprocessing.to_dict() | {"fov_diameter_max_px": largest}
    )
    return replace(model, card=replace(model.card, preprocessing=recipe))


def scored(photographs: Sequence[Photograph], level: int) -> Scored:
    pooled = PooledValues(_EXACT_PIXELS)
    for one in photographs:
        pooled.add(one.probability.values, one.label, one.fov.inside)
    histogram = reduce(
        add, (LevelHistogram.from_map(one.probability.levels, one.label, one.fov.inside) for one in photographs)
    )
    f1 = np.array([histogram.counts_at(at).scores().f1 for at in range(1, LEVELS)])
    best, areas = int(np.nanargmax(f1)), pooled.areas()
    return Scored(areas.auc_roc, areas.auc_pr, float(f1[level - 1]), float(f1[best]), 1 + best)


def write(model: LoadedModel, scores: dict[str, Scored], out: Path) -> None:
    """The weights file with the recipe and the scores measured with it; its tensors stay.

    The drawing styles are those of another grid: benchmarks/drawing_styles.py measures them again.
    """
    figures = {name: {"auc_roc": one.auc_roc, "auc_pr": one.auc_pr, "f1": one.f1} for name, one in scores.items()}
    figures["mean over the data sets"] = {
        key: mean(one[key] for one in figures.values()) for key in ("auc_roc", "auc_pr", "f1")
    }
    kept = tuple(dict(old) | figures.get(str(old["data"]), {}) for old in model.card.scores)
    write_bytes_atomic(out, with_card(model.path.read_bytes(), replace(model.card, scores=kept, styles=())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--photographs", nargs="+", action="append", required=True, metavar="SET PART [NAME ...]")
    parser.add_argument("--largest", nargs="+", type=float, default=[0.0, 860.0, 1020.0])
    parser.add_argument("--results", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    trained = load_model(given.model)
    level = trained.card.rule.level
    found: dict[float, tuple[LoadedModel, dict[str, Scored]]] = {}
    for largest in given.largest:
        model, scores = with_largest(trained, largest), {}
        for part in given.photographs:
            folder = given.results and given.results / f"{trained.card.name}-{part[0]}-{largest:g}"
            photographs = read(model, part, given.root, folder)
            one = scores[part[0]] = scored(photographs, level)
            print(
                f"| {trained.card.name} | {largest:g} | {part[0]}, {len(photographs)} | {one.auc_roc:.4f} | "
                f"{one.f1:.4f} | {one.best_f1:.4f} ({one.best_level}/256) |",
                flush=True,
            )
        print(f"| | {largest:g} | mean | | {mean(one.f1 for one in scores.values()):.4f} | |", flush=True)
        found[largest] = model, scores
    if given.out is not None:
        write(*max(found.values(), key=lambda pair: mean(one.f1 for one in pair[1].values())), given.out)


if __name__ == "__main__":
    main()

"""What averaging over mirrored and over resampled photographs is worth, on a model's held-out training photographs.

    python benchmarks/averaging.py --root DATA --model MODEL [--diameters 460 540 640 720]

For each diameter of the field of view, and for means over several of them, without and with flips: AUC and the best F1
inside the field of view, all pixels pooled. No test photograph takes part. The model must have learned from published
data sets with a part of them held out.
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from itertools import combinations
from operator import add
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

from core.datasets.layouts import Case, read_layout
from core.evaluation.confusion import LevelHistogram
from core.evaluation.curves import EXACT_PIXELS, PooledValues
from core.inference.options import InferenceOptions, TestTimeAugmentation
from core.models.catalogue import load_model
from core.models.weights_file import LoadedModel
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import read_fov, read_fundus, read_label
from core.segment import segment_photo
from core.threshold_rule import LEVELS
from core.training.config import SourceSection
from core.training.data import hold_out
from core.types import BoolArray, FloatArray, ProbabilityMap

Way = tuple[float, TestTimeAugmentation]


def held_out(model: LoadedModel, root: Path) -> Iterator[tuple[Case, str]]:
    """The photographs that chose the model's weights and threshold, with the expert whose label counts."""
    for source in model.card.sources:
        part = SourceSection.model_validate(source)
        dataset = read_layout(part.dataset, root, part.split)
        for number in sorted(hold_out(dataset, part, model.card.seeds[0])):
            yield dataset.cases[number], part.labels or next(iter(dataset.cases[number].labels))


def at_diameter(model: LoadedModel, diameter_px: float) -> LoadedModel:
    """The model for photographs whose field of view is resampled to another diameter."""
    preprocessing = model.card.preprocessing.model_copy(update={"fov_diameter_px": diameter_px})
    return replace(model, card=replace(model.card, preprocessing=preprocessing))


def scores(maps: list[FloatArray], labels: list[BoolArray], inside: list[BoolArray]) -> tuple[float, float]:
    """AUC, and the best F1 over thresholds."""
    pooled, histograms = PooledValues(EXACT_PIXELS), []
    for values, label, region in zip(maps, labels, inside, strict=True):
        pooled.add(values, label, region)
        histograms.append(LevelHistogram.from_map(ProbabilityMap(values).levels, label, region))
    histogram = reduce(add, histograms)
    return pooled.areas().auc_roc, max(histogram.counts_at(level).scores().f1 for level in range(1, LEVELS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--diameters", type=float, nargs="+", default=[460.0, 540.0, 640.0, 720.0])
    chosen = parser.parse_args()
    model = load_model(chosen.model)
    ways: list[Way] = [(diameter, tta) for tta in ("none", "flips") for diameter in chosen.diameters]
    found: dict[Way, list[FloatArray]] = {way: [] for way in ways}
    labels, regions = [], []
    for case, expert in held_out(model, chosen.root):
        image = read_fundus(case.photo)
        fov = estimate_field_of_view(image) if case.fov is None else read_fov(case.fov, shape=image.shape)
        labels.append(read_label(case.labels[expert], shape=image.shape).vessel)
        regions.append(fov.inside)
        for diameter, tta in ways:
            options = InferenceOptions(tta=tta)
            found[diameter, tta].append(
                segment_photo(image, at_diameter(model, diameter), fov=fov, options=options).probability.values
            )
    if not labels:
        raise SystemExit(f"{chosen.model}: its card names no photographs that were held out")
    print("| diameters, px | flips | AUC | best F1 |\n| --- | --- | --- | --- |")
    for tta in ("none", "flips"):
        for number in range(1, len(chosen.diameters) + 1):
            for some in combinations(chosen.diameters, number):
                maps = [np.mean(same, axis=0) for same in zip(*(found[one, tta] for one in some), strict=True)]  # type: ignore[index]
                auc, f1 = scores(maps, labels, regions)
                print(f"| {', '.join(f'{one:g}' for one in some)} | {tta} | {auc:.4f} | {f1:.4f} |", flush=True)


if __name__ == "__main__":
    main()

"""Do probabilities mean what they say, and how much better do they with a temperature?

    python benchmarks/calibration.py --root DATA --model MODEL --fit SET PART [NAME ...] [--fit ...] --test SET PART
        [--test ...] [--results FOLDER] [--out MODEL.safetensors]

The temperature is fitted on the photographs of ``--fit`` (training photographs; every data set counts alike) and the
expected calibration error is measured on those of ``--test``, before and after. Where several data sets are given, each
is also left out of the fit once, and measured. ``--out`` writes the model with that temperature, its threshold moved so
that masks stay the same. ``--results`` keeps the maps, and uses those that are there.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from connectedness import Photograph, read

from core.evaluation.calibration import Calibration, fit_temperature
from core.files import write_bytes_atomic
from core.models.catalogue import load_model
from core.models.temperature import Temperature
from core.models.weights_file import LoadedModel
from core.models.weights_header import with_card
from core.threshold_rule import LEVELS

_MOST_PIXELS = 200_000
"""Of a photograph that the fit looks at; drawn with seed 0."""

Sets = dict[str, list[Photograph]]


def fitted(sets: Sequence[list[Photograph]]) -> float:
    """The temperature for some data sets, of which each counts alike."""
    random = np.random.default_rng(0)
    smallest = min(map(len, sets))
    parts = []
    for photographs in sets:
        values = [one.probability.values[one.fov.inside] for one in photographs]
        labels = [one.label[one.fov.inside] for one in photographs]
        together, drawn = np.concatenate(values), np.concatenate(labels)
        chosen = random.choice(together.size, min(together.size, _MOST_PIXELS * smallest), replace=False)
        parts.append((together[chosen], drawn[chosen]))
    return fit_temperature(parts)


def ece(photographs: Sequence[Photograph], scaling: Temperature) -> float:
    """The expected calibration error, all pixels inside the fields of view pooled."""
    total = Calibration.nothing()
    for one in photographs:
        total += Calibration.from_map(scaling.apply(one.probability.values), one.label, one.fov.inside)
    return total.ece


def masks_stay(photographs: Sequence[Photograph], level: int, scaling: Temperature, moved: int) -> int:
    """Pixels whose side of the threshold changes: none, or the scaling may not ship."""
    return sum(
        int(np.count_nonzero((one.probability.values >= level / LEVELS) != (new >= moved / LEVELS)))
        for one in photographs
        for new in (scaling.apply(one.probability.values),)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--fit", nargs="+", action="append", required=True, metavar="SET PART [NAME ...]")
    parser.add_argument("--test", nargs="+", action="append", required=True, metavar="SET PART")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    model = load_model(given.model)
    if not model.card.scaling.is_none:
        raise SystemExit(f"{model.card.name} has a temperature already: give the model as it was trained")

    def photographs(part: Sequence[str]) -> list[Photograph]:
        return read(model, part, given.root, given.results and given.results / "-".join(part[:2]))

    sets: Sets = {part[0]: photographs(part) for part in given.fit}
    tests = {f"{part[0]} {part[1]}, test": photographs(part) for part in given.test}
    level = model.card.rule.level
    scaling, moved = Temperature.keeping(level, fitted(list(sets.values())))
    print(f"{model.card.name}: T = {scaling.temperature:.4f}, shift {scaling.shift:+.5f}, {level}/256 -> {moved}/256")
    changed = masks_stay([one for some in (*sets.values(), *tests.values()) for one in some], level, scaling, moved)
    print(f"pixels that change sides: {changed}")
    for name, some in {**{f"{name}, fitted on": some for name, some in sets.items()}, **tests}.items():
        print(
            f"| {model.card.name} | {name} | {len(some)} | {ece(some, Temperature()):.4f} | {ece(some, scaling):.4f} |"
        )
    for left in sets if len(sets) > 1 else ():
        without = Temperature(fitted([some for name, some in sets.items() if name != left]))
        print(
            f"| {model.card.name} | {left}, left out of the fit (T = {without.temperature:.3f}) | {len(sets[left])} | "
            f"{ece(sets[left], Temperature()):.4f} | {ece(sets[left], without):.4f} |"
        )
    if given.out is not None and not changed:
        write(model, scaling, moved, given.out)


def write(model: LoadedModel, scaling: Temperature, moved: int, out: Path) -> None:
    """The weights file with a temperature; its tensors stay."""
    card = replace(
        model.card,
        scaling=scaling,
        default_threshold=moved / LEVELS,
        styles=(),  # of other probabilities: benchmarks/drawing_styles.py measures them again
    )
    write_bytes_atomic(out, with_card(model.path.read_bytes(), card))


if __name__ == "__main__":
    main()

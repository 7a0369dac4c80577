"""Into how many pieces do masks fall, and which rule makes fewer of them without losing F1?

    python benchmarks/connectedness.py --root DATA --model MODEL [--choose SET PART [NAME ...]] [--measure SET PART]
        [--bridge] [--results FOLDER]

Hysteresis and a smallest vessel are chosen on training photographs (``--choose``): of all combinations whose pooled F1
is at most 0.001 below that of the model's own threshold, the one with the smallest Betti-0 error. Then it is measured,
with each part alone, on the photographs of ``--measure``. ``--bridge`` also draws the gaps that a vessel probably
bridges (``core.masks.branches.find_gaps``), from the least probability that is chosen in the same way. Prints the rows
of docs/benchmarks/connectedness.md. ``--results`` keeps the maps, and uses those that are there.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import add
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.datasets.layouts import read_layout
from core.evaluation.confusion import Counts, Scores, count
from core.evaluation.connectedness import pieces, unit_of
from core.evaluation.measure import measure_mask, pool
from core.inference.options import InferenceOptions
from core.masks.branches import find_gaps
from core.masks.strokes import within
from core.masks.threshold import apply_threshold
from core.models.catalogue import load_model
from core.models.weights_file import LoadedModel
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import read_fov, read_fundus, read_label
from core.photo.sibling_files import output_stems
from core.progress import SILENT
from core.reuse import ReusedResults
from core.threshold_rule import ThresholdRule
from core.types import BoolArray, FieldOfView, ProbabilityMap

LOW_SHARES = (1.0, 0.9, 0.8, 0.7)
"""Lower thresholds of a hysteresis as shares of the model's own threshold."""
HIGH_SHARES = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
"""Upper ones: with that of the model as the lower one, vessels that are nowhere sure are left out."""
SMALLEST_PX = (0, 10, 20, 40, 60, 100)
"""Pixels of a photograph whose field of view is 540 pixels across; more of them in larger photographs."""
AS_GOOD = 0.001
"""What F1 may lose: about as much as it differs between seeds."""
LEAST_PROBABILITIES = (0.1, 0.15, 0.2, 0.25, 0.3)
SHOWN = ("sensitivity", "specificity", "f1", "cl_dice", "thin_sensitivity", "pieces", "pieces_error")


@dataclass(frozen=True)
class Photograph:
    """A map with what it is compared with; ``drawn`` pieces of the label."""

    probability: ProbabilityMap
    label: BoolArray
    fov: FieldOfView
    drawn: int

    @property
    def unit_px(self) -> float:
        return unit_of(self.fov.diameter_px)

    def mask(self, level: int, low: int, smallest: int) -> BoolArray:
        least = round(smallest * self.unit_px**2)
        return apply_threshold(self.probability, ThresholdRule(level, "user", low, least)).vessel


Make = Callable[[Photograph], BoolArray]


def read(model: LoadedModel, part: Sequence[str], root: Path, folder: Path | None) -> list[Photograph]:
    """The photographs of ``part`` with their maps: a data set, its split, and names of photographs unless all."""
    dataset, split, *only = part
    cases = [case for case in read_layout(dataset, root, split).cases if not only or case.stem in only]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    stems = output_stems([case.photo for case in cases])
    kept = ReusedResults(model, InferenceOptions(), model.card.rule, folder, stems)
    found = []
    for case in cases:
        image = read_fundus(case.photo)
        fov = estimate_field_of_view(image) if case.fov is None else read_fov(case.fov)
        label = read_label(next(iter(case.labels.values()))).vessel
        drawn = pieces(label, fov.inside)
        found.append(Photograph(kept.predict(image, fov, SILENT), label, fov, drawn))
        print(case.stem, file=sys.stderr, flush=True)
    return found


def cost(photographs: Sequence[Photograph], make: Make) -> tuple[float, float]:
    """Pooled F1 and the mean Betti-0 error."""
    counts, error = [], 0
    for one in photographs:
        vessel = make(one)
        counts.append(count(vessel, one.label, one.fov.inside))
        error += abs(pieces(vessel, one.fov.inside) - one.drawn)
    return reduce(add, counts, Counts(0, 0, 0, 0)).scores().f1, error / len(photographs)


def choose(photographs: Sequence[Photograph], makes: dict[str, Make]) -> str:
    """The name of the rule with the fewest wrong pieces among those that do not cost F1; the first is the plain one."""
    costs = {name: cost(photographs, make) for name, make in makes.items()}
    least = next(iter(costs.values()))[0] - AS_GOOD
    return min((name for name in costs if costs[name][0] >= least), key=lambda name: costs[name][1])


def measured(photographs: Sequence[Photograph], make: Make) -> Scores:
    """All scores, pooled; pieces as means."""
    return pool([measure_mask(make(one), one.label, one.fov.inside, unit_px=one.unit_px) for one in photographs]).scores


def bridged(one: Photograph, vessel: BoolArray, level: int, least: float) -> BoolArray:
    """The mask with the gaps that a vessel probably bridges drawn."""
    made = vessel.copy()
    for gap in find_gaps(one.probability.values, vessel, least_probability=least, edge=level / 256):
        path = within(gap.trace.footprint(), made.shape)
        if path is not None:
            height, width = path.pixels.shape
            made[path.top : path.top + height, path.left : path.left + width] |= path.pixels
    return made


def rules(level: int) -> dict[str, Make]:
    """Every combination by name, the plain threshold first."""
    found: dict[str, Make] = {}
    for upper, lower, smallest in product(HIGH_SHARES, LOW_SHARES, SMALLEST_PX):
        high, low = min(255, round(level * upper)), max(1, round(level * lower))
        name = _name(high, low, smallest)
        found[name] = lambda one, high=high, low=low, smallest=smallest: one.mask(high, low, smallest)  # type: ignore[misc]
    return found


def _name(high: int, low: int, smallest: int) -> str:
    return f"{high}/256, {low}/256, {smallest}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--choose", nargs="+", action="append", metavar="SET PART [NAME ...]", help="may be repeated")
    parser.add_argument("--measure", nargs=2, action="append", metavar=("SET", "PART"), help="may be repeated")
    parser.add_argument("--bridge", action="store_true")
    parser.add_argument("--results", type=Path)
    given = parser.parse_args()
    model = load_model(given.model)
    level = model.card.rule.level

    def photographs(part: Sequence[str]) -> list[Photograph]:
        return read(model, part, given.root, given.results and given.results / "-".join(part[:2]))

    training = [one for part in given.choose or [["drive", "train"]] for one in photographs(part)]
    tests = {" ".join(part): photographs(part) for part in given.measure or [["drive", "test"]]}
    makes = rules(level)
    plain = next(iter(makes))
    shown = {"its own threshold": makes[plain]}
    alone = {name: make for name, make in makes.items() if name.startswith(_name(level, level, 0)[:-1])}
    shown[f"smallest vessel: {choose(training, alone)}"] = alone[choose(training, alone)]
    grown = {name: make for name, make in makes.items() if name.endswith(", 0")}
    shown[f"hysteresis: {choose(training, grown)}"] = grown[choose(training, grown)]
    best = choose(training, makes)
    shown[f"both: {best}"] = makes[best]
    if given.bridge:
        over: dict[str, Make] = {"none": makes[best]}
        for least in LEAST_PROBABILITIES:
            over[f"{least}"] = lambda one, least=least: bridged(one, makes[best](one), level, least)  # type: ignore[misc]
        chosen = choose(training, over)
        shown[f"both, and bridges from {chosen}"] = over[chosen]
    for where, some in {"chosen on": training, **tests}.items():
        print(f"{where}: {sum(one.drawn for one in some) / len(some):.1f} pieces drawn")
        for name, make in shown.items():
            scores = measured(some, make)
            cells = [f"{getattr(scores, key):.{1 if 'pieces' in key else 4}f}" for key in SHOWN]
            print(f"| {model.card.name} | {where} | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

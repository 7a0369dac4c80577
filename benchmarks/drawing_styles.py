"""How does each data set's expert draw, as a threshold, and is that better on photographs that chose nothing?

    python benchmarks/drawing_styles.py --root DATA MODEL [MODEL ...] [--results FOLDER] [--refined] [--write]

A model that learned from several data sets gets a drawing style for each: the threshold with the best F1, all pixels
pooled, on the photographs of that data set that were held out of its training (its card says which). Then each style is
measured against the model's own threshold on the published test photographs, which chose nothing, as far as DATA has
them; and on the held-out photographs of each person at the threshold that those of the others choose. ``--refined``
also tries hysteresis. Prints the rows of docs/benchmarks/drawing-styles.md. ``--write`` writes the styles into the card
of each model's weights file; its tensors stay. ``--results`` keeps the maps, and uses those that are there.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product
from operator import add
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from connectedness import Photograph, read

from core.datasets.layouts import published_title, read_layout
from core.errors import InputError
from core.evaluation.confusion import Counts, LevelHistogram, count
from core.evaluation.suggest import best_f1
from core.files import write_bytes_atomic
from core.masks.threshold import apply_threshold
from core.models.catalogue import load_model
from core.models.drawing_style import DrawingStyle
from core.models.weights_file import LoadedModel
from core.models.weights_header import with_card
from core.threshold_rule import ThresholdRule
from core.training.config import SourceSection
from core.training.data import hold_out

LOW_SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
"""Lower thresholds of a hysteresis as shares of the upper one."""
UPPER = range(40, 221, 4)


@dataclass(frozen=True)
class Source:
    """A data set that a model learned from: its photographs to choose on, by person, and to measure on."""

    title: str
    held_out: Mapping[str, Sequence[Photograph]]
    tests: Sequence[Photograph]

    @property
    def chosen_on(self) -> list[Photograph]:
        return [one for some in self.held_out.values() for one in some]


def histogram_of(photographs: Iterable[Photograph]) -> LevelHistogram:
    maps = (LevelHistogram.from_map(one.probability.levels, one.label, one.fov.inside) for one in photographs)
    return reduce(add, maps)


def best_level(photographs: Iterable[Photograph]) -> int:
    """k of the threshold k/256 with the best pooled F1."""
    found = best_f1(histogram_of(photographs))
    assert found is not None  # every label has vessels
    return found.level


def f1_at(photographs: Iterable[Photograph], rule: ThresholdRule) -> float:
    """Pooled F1 of the masks of a rule."""
    masks = (count(apply_threshold(one.probability, rule).vessel, one.label, one.fov.inside) for one in photographs)
    return reduce(add, masks, Counts(0, 0, 0, 0)).scores().f1


def sources(model: LoadedModel, root: Path, results: Path | None) -> Iterator[Source]:
    """What the model's last training learned from; what it began with was trained elsewhere and held nothing out."""
    data: Any = model.card.training.get("data", {})
    seed = model.card.training.get("run", {}).get("seed", 0)  # type: ignore[attr-defined]
    for values in data.get("sources", ()):
        part = SourceSection(**values)
        dataset = read_layout(part.dataset, root, part.split)
        persons: dict[str, list[str]] = {}
        for index in sorted(hold_out(dataset, part, seed)):
            case = dataset.cases[index]
            if case.stem not in model.card.trained_on:
                raise SystemExit(f"the card of {model.card.name} does not say that {case.stem} was held out")
            persons.setdefault(case.person, []).append(case.stem)
        folder = results and results / f"{model.card.name}-{part.dataset}"
        held_out = {
            person: read(model, (part.dataset, part.split, *stems), root, folder) for person, stems in persons.items()
        }
        try:
            tests = read(model, (part.dataset, "test"), root, folder)
        except InputError as error:
            print(error, file=sys.stderr)
            tests = []
        yield Source(published_title(part.dataset), held_out, tests)


def say_left_out(model: LoadedModel, source: Source, own: ThresholdRule) -> None:
    """Each person's photographs at the threshold that the held-out photographs of the others choose."""
    if len(source.held_out) < 2:
        return
    masks, levels = [], []
    for person, some in source.held_out.items():
        level = best_level(one for other, those in source.held_out.items() if other != person for one in those)
        levels.append(level)
        for one in some:
            vessel = apply_threshold(one.probability, ThresholdRule(level)).vessel
            masks.append(count(vessel, one.label, one.fov.inside))
    at_own, left_out = f1_at(source.chosen_on, own), reduce(add, masks).scores().f1
    print(
        f"| {model.card.name} | {source.title} | {len(source.chosen_on)} of {len(source.held_out)} | {min(levels)} to "
        f"{max(levels)} | {at_own:.4f} | {left_out:.4f} | {left_out - at_own:+.4f} |",
        flush=True,
    )


def say_refined(model: LoadedModel, source: Source, style: DrawingStyle) -> None:
    """What a hysteresis brings that is chosen on the same photographs."""
    rules = [ThresholdRule(high, low_level=round(high * share)) for high, share in product(UPPER, LOW_SHARES)]
    best = max(rules, key=lambda rule: f1_at(source.chosen_on, rule))
    cells = [f"{f1_at(some, rule):.4f}" for some in (source.chosen_on, source.tests) for rule in (style.rule, best)]
    print(f"| {model.card.name} | {source.title} | {best.level}, {best.low_level} | {' | '.join(cells)} |", flush=True)


def measure(model: LoadedModel, given: argparse.Namespace) -> tuple[DrawingStyle, ...]:
    """Print what is found of a model; returns its styles."""
    found = list(sources(model, given.root, given.results))
    own = model.card.rule
    styles = [DrawingStyle(one.title, best_level(one.chosen_on), len(one.chosen_on)) for one in found]
    print("| model | data set | chosen on | style | F1 there: own, style | test | F1: own | style | gain | best here |")
    for source, style in zip(found, styles, strict=True):
        chosen = f"{f1_at(source.chosen_on, own):.4f}, {f1_at(source.chosen_on, style.rule):.4f}"
        cells = ["-"] * 5
        if source.tests:
            plain, drawn = f1_at(source.tests, own), f1_at(source.tests, style.rule)
            best = best_level(source.tests)
            there = f"{f1_at(source.tests, ThresholdRule(best)):.4f} ({best}/256)"
            cells = [str(len(source.tests)), f"{plain:.4f}", f"{drawn:.4f}", f"{drawn - plain:+.4f}", there]
        print(
            f"| {model.card.name} ({own.level}/256) | {source.title} | {style.photographs} | {style.level}/256 | "
            f"{chosen} | {' | '.join(cells)} |",
            flush=True,
        )
    print("| model | data set | photographs of persons | thresholds | F1: own | at the others' | gain |")
    for source in found:
        say_left_out(model, source, own)
    print(f"| model | drawn by | F1 on its test photographs at the style of {' | '.join(one.name for one in styles)} |")
    for source in (one for one in found if one.tests):
        cells = [f"{f1_at(source.tests, style.rule):.4f}" for style in styles]
        print(f"| {model.card.name} | {source.title} | {' | '.join(cells)} |")
    if given.refined:
        print("| model | data set | hysteresis | F1 there: style | with it | test: style | with it |")
        for source, style in zip(found, styles, strict=True):
            if source.tests:
                say_refined(model, source, style)
    return tuple(styles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--refined", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    for name in given.models:
        model = load_model(name)
        styles = measure(model, given)
        if given.write:
            card = replace(model.card, styles=styles)
            write_bytes_atomic(model.path, with_card(model.path.read_bytes(), card))
            print(f"written: {model.path}")


if __name__ == "__main__":
    main()

"""Which photographs a model has seen before: figures on those are no test of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.datasets.finding import find_split, is_own_data_set, own_data_set
from core.datasets.layouts import same_layout
from core.errors import InputError
from core.model_card import ModelCard


@dataclass(frozen=True, slots=True)
class Exposure:
    """``seen``: photographs that a model learned from, or by which its weights and threshold were chosen.

    ``unknown``: what else it learned from, in words, where that cannot be found out any more.
    """

    seen: frozenset[Path]
    unknown: tuple[str, ...] = ()


def seen_by(card: ModelCard, dataset: str, root: Path, photos: Sequence[Path]) -> Exposure:
    """Which of some photographs a model has seen, by the data sets that its card names.

    Copies of a photograph under another name or in another folder are not recognised.

    Parameters
    ----------
    dataset : the name of the data set that ``photos`` are from; ``root`` its folder, or the folder that holds it.
    """
    data = card.training.get("data")
    sources = _sources(data) if isinstance(data, Mapping) else []
    wanted = {path.absolute() for path in photos}
    seen: set[Path] = set()
    unknown = [] if sources else [card.trained_on or "its card does not say what it learned from"]
    for source in sources:
        name, split = str(source.get("dataset", "")), str(source.get("split", "train"))
        try:
            if not is_own_data_set(name) and not is_own_data_set(dataset) and not same_layout(name, dataset):
                continue  # another published data set: it has no photograph in common with this one
            seen |= _used(name, root, split) & wanted
        except InputError:
            unknown.append(f"{name}, {split}")
    earlier, then, _ = card.trained_on.partition(", then ")
    if then:
        unknown.append(f"what {earlier} had learned from")
    return Exposure(frozenset(path for path in photos if path.absolute() in seen), tuple(unknown))


def _used(name: str, root: Path, split: str) -> set[Path]:
    """The photographs of a source, with those by which a data set file lets the weights be chosen."""
    own = own_data_set(name, root)
    chosen_by = [entry.case for entry in own.entries if entry.part == "validation"] if own is not None else []
    return {case.photo.absolute() for case in [*find_split(name, root, split).cases, *chosen_by]}


def _sources(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The sources of a configuration; older cards have a single one without a list."""
    listed = data.get("sources")
    if isinstance(listed, Sequence):
        return [source for source in listed if isinstance(source, Mapping)]
    return [data] if "dataset" in data else []

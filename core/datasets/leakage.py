"""Which photographs a model has seen before: scores on those are not test of it.

A model that learned from a published data set names it. One that learned from photographs of somebody's own keeps
fingerprints of them, and neither names nor folders: these can tell who a patient is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.datasets.finding import is_own_data_set
from core.datasets.layouts import read_layout, same_layout
from core.errors import InputError
from core.files import file_sha256
from core.models.model_card import ModelCard

_FINGERPRINT_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Leakage:
    """``seen``: photographs that a model learned from, or by which its weights and threshold were chosen.

    ``unknown``: what else it learned from, in words, where that cannot be found out any more.
    """

    seen: frozenset[Path]
    unknown: tuple[str, ...] = ()


def seen_by(card: ModelCard, dataset: str, root: Path, photos: Sequence[Path]) -> Leakage:
    """Which of some photographs a model has seen, by the data sets that its card names.

    Photographs with a fingerprint in the card are recognised under any name and in any folder, as long as the file is
    the same; those of published data sets by their place.

    Parameters
    ----------
    dataset : the name of the data set that ``photos`` are from; ``root`` its folder, or the folder that holds it.
    """
    wanted = {path.absolute() for path in photos}
    seen: set[Path] = set()
    fingerprints: set[str] = set()
    unknown = [] if card.sources else [card.trained_on or "its card does not say what it learned from"]
    for source in card.sources:
        name, split = str(source.get("dataset", "")), str(source.get("split", "train"))
        if "fingerprints" in source:
            listed = source["fingerprints"]
            fingerprints.update(str(each) for each in (listed if isinstance(listed, list) else ()))
        elif is_own_data_set(name) or is_own_data_set(dataset) or same_layout(name, dataset):
            try:
                seen |= {case.photo.absolute() for case in read_layout(name, root, split).cases} & wanted
            except InputError:
                unknown.append(f"{name} ({split})")
        # And another published data set has no photograph in common with this one.
    if fingerprints:
        seen |= {photo for photo in wanted if (fingerprint(photo) or None) in fingerprints}
    if card.unknown_start:
        unknown.append(f"what {card.unknown_start} had learned from")
    return Leakage(frozenset(path for path in photos if path.absolute() in seen), tuple(dict.fromkeys(unknown)))


def fingerprint(photo: Path) -> str:
    """What tells a photograph's file from all others, and nothing about it to whoever does not have it.

    The beginning of the SHA-256 of its bytes; empty where it cannot be read.
    """
    return (file_sha256(photo) or "")[:_FINGERPRINT_DIGITS]

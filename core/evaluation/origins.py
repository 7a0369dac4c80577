"""Which model made results that are given as files, as far as their side-cars say so."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.files import display_path, file_sha256
from core.sidecar import SideCar, read_sidecar, sidecar_path

_ENDINGS = ("_probability", "_mask")


@dataclass(frozen=True, slots=True)
class Origin:
    """What made the results: a model in words, empty where nothing says it, and sentences about single files."""

    made_by: str = ""
    notes: tuple[str, ...] = ()


def common_origin(files: Collection[Path], *, are_masks: bool) -> Origin:
    """What made all of these results.

    Parameters
    ----------
    are_masks : results at different thresholds are different ones, then.

    Raises
    ------
    InputError : they are of more than one model, or made in more than one way, so that one table would mix them.
    """
    made: dict[str, list[Path]] = {}
    unknown, changed, by_hand = [], [], []
    for path in files:
        sidecar = _sidecar_of(path)
        if sidecar is None:
            unknown.append(path)
            continue
        made.setdefault(_in_words(sidecar, are_masks), []).append(path)
        wanted = next((sidecar.files_sha256.get(kind) for kind, name in sidecar.files.items() if name == path.name), "")
        if wanted and file_sha256(path) != wanted:
            changed.append(path)
        elif are_masks and sidecar.edited:
            by_hand.append(path)
    if len(made) > 1:
        counted = Counter({text: len(paths) for text, paths in made.items()}).most_common()
        several = "; ".join(f"{text}: {count}, such as {display_path(made[text][0].name)}" for text, count in counted)
        raise InputError(
            f"{display_path(next(iter(files)).parent)} holds results of more than one kind ({several}). One table of "
            "them would say nothing of either: give each a folder of its own, or make them again with one model."
        )
    notes = []
    if made:
        notes += _note(unknown, "no side-car, so what made them is not known")
        notes += _note(changed, "changed since they were written, or of another run than their side-car says")
        notes += _note(by_hand, "masks that were corrected by hand")
    return Origin(next(iter(made), ""), tuple(notes))


def _note(paths: list[Path], what: str) -> list[str]:
    return [f"{len(paths)} of the results, such as {display_path(paths[0].name)}: {what}."] if paths else []


def _sidecar_of(path: Path) -> SideCar | None:
    """The side-car that names this file, None where there is none that can be read."""
    for ending in _ENDINGS:
        stem = path.stem.removesuffix(ending)
        if stem != path.stem:
            try:
                sidecar = read_sidecar(sidecar_path(path.parent, stem))
            except InputError:
                return None
            return sidecar if path.name in sidecar.files.values() else None
    return None


def _in_words(sidecar: SideCar, are_masks: bool) -> str:
    parts = [f"{sidecar.model} ({sidecar.model_sha256[:8]})"]
    if sidecar.options.get("tta") not in (None, "none"):
        parts.append(f"averaged over {sidecar.options['tta']}")
    if are_masks:
        parts.append(f"threshold {sidecar.rule.threshold:g}")
    return ", ".join(parts)

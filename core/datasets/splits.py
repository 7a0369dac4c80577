"""Dividing the photographs of a data set into training, validation and test, patients together."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from core.datasets.dataset_file import DataSetFile, Entry, Part
from core.errors import InputError

_EYES: Final = frozenset({"od", "os", "l", "r", "le", "re", "left", "right", "lefteye", "righteye"})
_PATIENT = re.compile(r"^(?:patient|pat|subject|subj|sub|p|id)[ _-]?0*(\d+)(?!\d)", re.IGNORECASE)
_EYE_AT_END = re.compile(r"^(.*\d)[lr]$", re.IGNORECASE)


def patient_of(stem: str) -> str:
    """The patient whom the name of a photograph tells, or nothing.

    Told are a patient's number in front (``patient_07_2``, ``sub-12 left``) and what comes before the word for an eye
    (``0815_OD``, ``10_left``, ``Image_01L``).
    """
    number = _PATIENT.match(stem)
    if number:
        return f"patient {number[1]}"
    words = [word for word in re.split(r"[ _.\-]+", stem) if word]
    for place, word in enumerate(words):
        if place and word.lower() in _EYES:
            return " ".join(words[:place]).lower()
    attached = _EYE_AT_END.match(stem)
    return " ".join(re.split(r"[ _.\-]+", attached[1])).lower() if attached else ""


def grouped_by_patient(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries with the patients that the names tell, where at least one patient has two photographs.

    Names of which each tells another patient say no more than that every photograph is alone. Existing groups
    stay.
    """
    found = [entry.group or patient_of(entry.case.stem) for entry in entries]
    repeated = {name for name in found if name and found.count(name) > 1}
    return tuple(
        replace(entry, group=name if name in repeated else "") for entry, name in zip(entries, found, strict=True)
    )


def kept_together(entries: Sequence[Entry], rows: Iterable[Sequence[int]]) -> tuple[Entry, ...]:
    """The entries with one group for each tuple of rows (copies of one photograph), so that no split parts them."""
    changed = list(entries)
    for some in rows:
        names = [changed[row].group for row in some if changed[row].group]
        group = names[0] if names else f"copies of {changed[some[0]].case.stem}"
        for row in some:
            changed[row] = replace(changed[row], group=group)
    return tuple(changed)


def split_by_seed(
    dataset: DataSetFile, *, seed: int, validation_share: float, test_share: float = 0.0, keep_test: bool = True
) -> DataSetFile:
    """Divide a data set by chance, groups undivided; equal seeds give equal parts, whatever the order of the entries.

    Parameters
    ----------
    validation_share, test_share : of the photographs that are divided, each in [0, 1), together below 1. Where a share
        is not 0, its part gets at least one photograph.
    keep_test : photographs that are in the test part stay there, and only the others are divided. Unused ones always
        stay unused.

    Raises
    ------
    InputError : there are too few groups for the parts.
    """
    if min(validation_share, test_share) < 0 or validation_share + test_share >= 1:
        raise ValueError(f"shares {validation_share} and {test_share} leave nothing to learn from")
    fixed: set[Part] = {"unused", "test"} if keep_test else {"unused"}
    sizes: dict[str, int] = {}
    for entry in dataset.entries:
        if entry.part not in fixed:
            sizes[entry.group_key] = sizes.get(entry.group_key, 0) + 1
    wanted: list[tuple[Part, float]] = [("test", test_share), ("validation", validation_share)]
    wanted = [(part, share) for part, share in wanted if share > 0]
    if len(sizes) < len(wanted) + 1:
        there = "one patient or single photograph" if len(sizes) == 1 else f"{len(sizes)} patients or photographs"
        raise InputError(
            f'"{dataset.name}" has {there} that can be divided, and {len(wanted) + 1} parts need one each at least. '
            "Photographs of one patient, and copies of one photograph, stay together. Add photographs, or choose the "
            "parts by hand."
        )
    names = sorted(sizes)
    order = [names[place] for place in np.random.default_rng([seed, 0x5EED]).permutation(len(names))]
    part_of: dict[str, Part] = {}
    for number, (part, share) in enumerate(wanted):
        needed_later = len(wanted) - number  # one group for each part that follows, training included
        target, taken = max(1, round(share * sum(sizes.values()))), 0
        for name in [name for name in order if name not in part_of]:
            if len(order) - len(part_of) <= needed_later or taken >= target:
                break
            if taken == 0 or taken + sizes[name] <= target:
                part_of[name] = part
                taken += sizes[name]
    entries = tuple(
        entry if entry.part in fixed else replace(entry, part=part_of.get(entry.group_key, "training"))
        for entry in dataset.entries
    )
    kept = "; test photographs as they were" if keep_test and dataset.count("test") else ""
    how = "by patient" if any(entry.group for entry in dataset.entries) else "by photograph"
    return replace(dataset, entries=entries, split=f"divided at random {how}, seed {seed}{kept}")


def folds_by_seed(dataset: DataSetFile, *, count: int, seed: int) -> tuple[DataSetFile, ...]:
    """The data sets of a cross-validation: in each another fold is the validation part, groups undivided.

    Test and unused photographs stay what they are, all others are in the validation part of exactly one fold. The folds
    are of about the same size (scikit-learn, ``StratifiedGroupKFold``); equal seeds give equal folds, whatever
    the order of the entries.

    Raises
    ------
    InputError : there are fewer groups than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    entries = dataset.entries
    rows = [row for row, entry in enumerate(entries) if entry.part in ("training", "validation")]
    rows.sort(key=lambda row: (entries[row].group_key, str(entries[row].case.photo)))
    groups = [entries[row].group_key for row in rows]
    if len(set(groups)) < count:
        raise InputError(
            f'"{dataset.name}" has {len(set(groups))} patients or single photographs to be divided, too few for '
            f"{count} folds. Ask for fewer, or add photographs."
        )
    alike = np.zeros(len(rows), np.int64)  # nothing is stratified: the sizes alone are balanced
    divided = StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(alike, alike, groups)
    made = []
    for number, (_learned, held) in enumerate(divided, start=1):
        validation = {rows[place] for place in held}
        parts: dict[int, Part] = {row: "validation" if row in validation else "training" for row in rows}
        changed = tuple(replace(entry, part=parts.get(row, entry.part)) for row, entry in enumerate(entries))
        name = f"{dataset.name}, fold {number} of {count}"
        made.append(replace(dataset, name=name, entries=changed, split=f"fold {number} of {count}, seed {seed}"))
    return tuple(made)

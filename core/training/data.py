"""From the photographs of the configured data sets to prepared training samples, and the part that is held out."""

import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from core.datasets.finding import own_data_set
from core.datasets.layouts import Case, DataSet, read_layout
from core.datasets.leakage import fingerprint
from core.enhancement.recipe import as_recipe_wants
from core.errors import LabelError, TrainingError
from core.photo.field_of_view import estimate_field_of_view
from core.photo.fov_mask import read_fov_of
from core.photo.label_matching import find_wrong_pair, on_grid
from core.photo.label_values import LabelValues
from core.photo.preprocessing import NetInput, prepare
from core.photo.reading import read_fundus, read_label
from core.progress import Monitor, Progress
from core.training.augmentation import Sample
from core.training.cameras import other_camera
from core.training.config import SourceSection, TrainingConfig
from core.training.control import READING_STAGE
from core.training.pictures import small_picture
from core.training.teaching import Teacher, learned_from_teacher, unlabelled_photographs
from core.types import BoolArray, ByteArray, ExpertLabel, FieldOfView, FloatArray, FundusImage

_Read = TypeVar("_Read")
# Photographs that are read and prepared at once: each takes some hundred megabytes meanwhile where it is large.
_READERS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """A photograph to choose on: as the network reads it, and the expert's label on the photograph's own pixels.

    ``target`` is the label on the network's grid, float32 (h, w), for the loss, and ``counted`` float32 (h, w) where it
    counts there. ``scored`` bool (H, W) is where scores are counted: in the field of view, where the expert has
    decided. ``picture`` is a small copy of the photograph for those who watch, uint8 (h, w, 3).
    """

    name: str
    picture: ByteArray
    prepared: NetInput
    target: FloatArray
    label: BoolArray
    fov: FieldOfView
    scored: BoolArray
    counted: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SourceData:
    """What one source gives: ``name`` is in the events, ``protocol`` in the card.

    ``held_out`` is False where the recipe holds out nothing: ``validation`` then repeats the photographs of
    ``training``. ``fingerprints`` are those of all photographs of a user's own source, empty for a published data
    set: a user's own photographs are not named in the card, which goes to others.
    """

    name: str
    training: list[Sample]
    validation: list[HeldOut]
    protocol: str
    held_out: bool = True
    fingerprints: tuple[str, ...] = ()

    @property
    def held_out_names(self) -> list[str]:
        """The photographs that the network does not learn from."""
        return [held.name for held in self.validation] if self.held_out else []

    @property
    def parts(self) -> str:
        """In words, how the photographs were used."""
        begin = f"{len(self.training)} photographs to learn from"
        if not self.held_out:
            return f"{begin}, none held out: weights and threshold were chosen on these same photographs"
        names = "" if self.fingerprints else f" ({', '.join(self.held_out_names)})"
        return f"{begin}, {len(self.validation)} held out to choose weights and threshold{names}"


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """What a run learns from and what it is chosen on, source by source.

    ``unlabelled`` are learned from a teacher's probabilities alone; ``taught_by`` says in the card who that was, and is
    empty without one.
    """

    sources: tuple[SourceData, ...]
    unlabelled: tuple[Sample, ...] = ()
    taught_by: Mapping[str, object] = field(default_factory=dict)

    @property
    def protocol(self) -> str:
        """The protocol in words, for the model card."""
        parts = [f"{source.protocol}: {source.parts}" for source in self.sources]
        if self.unlabelled:
            many = len(self.unlabelled)
            parts.append(f"{many} photograph{'s' if many > 1 else ''} without labels, from the teacher alone")
        if self.taught_by:
            parts.append(f"distilled from {self.taught_by['name']} ({str(self.taught_by['sha256'])[:12]})")
        return "; ".join(parts)


def load_training_data(config: TrainingConfig, root: Path, monitor: Monitor) -> TrainingData:
    """Read and prepare every photograph of the configured sources, and hold out the validation part of each.

    Raises
    ------
    InputError, LabelError : a file is missing, unreadable, or a label does not fit its photograph or is empty.
    TrainingError : fewer photographs than the validation part needs, or one photograph in two sources.
    """
    found = [_find(part, root, config.run.seed) for part in config.data.sources]
    _refuse_repeats([dataset for one in found for dataset in (one.learned, one.held) if dataset.cases])
    teacher, alone = Teacher.of(config), unlabelled_photographs(config.teacher, root)
    total = sum(len(one.learned.cases) + len(one.chosen_on.cases) for one in found) + len(alone)
    sources = []
    with ThreadPoolExecutor(_READERS, thread_name_prefix="reading") as pool:
        coming = [
            (
                [pool.submit(load_sample, case, config, teacher) for case in one.learned.cases],
                [pool.submit(_load_held_out, case, config) for case in one.chosen_on.cases],
            )
            for one in found
        ]
        taught = [pool.submit(_load_unlabelled, photo, config, teacher) for photo in alone if teacher]
        numbers = count()

        def ready(future: Future[_Read]) -> _Read:
            monitor.step(Progress(READING_STAGE, next(numbers), total))
            return future.result()

        try:
            for name, one, (learned, held) in zip(_names([one.learned for one in found]), found, coming, strict=True):
                training, validation = [ready(each) for each in learned], [ready(each) for each in held]
                sources.append(
                    SourceData(name, training, validation, one.learned.protocol, bool(one.held.cases), one.fingerprints)
                )
            unlabelled = tuple(ready(each) for each in taught)
        finally:
            pool.shutdown(cancel_futures=True)
    taught_by = learned_from_teacher(config.teacher, root) if teacher else {}
    return TrainingData(tuple(sources), unlabelled, taught_by)


def _names(datasets: list[DataSet]) -> list[str]:
    """A name for each source, all different: the data set's, with its split and a number where that is needed."""
    plain = [dataset.name for dataset in datasets]
    longer = [d.name if plain.count(d.name) == 1 else f"{d.name}/{d.split}" for d in datasets]
    return [
        name if longer.count(name) == 1 else f"{name}/{longer[: place + 1].count(name)}"
        for place, name in enumerate(longer)
    ]


@dataclass(frozen=True, slots=True)
class _Found:
    learned: DataSet
    held: DataSet
    own: bool

    @property
    def fingerprints(self) -> tuple[str, ...]:
        photos = [case.photo for dataset in (self.learned, self.held) for case in dataset.cases] if self.own else []
        return tuple(sorted(map(fingerprint, photos)))

    @property
    def chosen_on(self) -> DataSet:
        return self.held if self.held.cases else self.learned


def _find(part: SourceSection, root: Path, seed: int) -> _Found:
    """What a source learns from, and what it is chosen on: its validation part, or photographs held out by chance."""
    own = own_data_set(part.dataset, root)
    whole = read_layout(part.dataset, root, part.split) if own is None else own.part(part.split)
    dataset = _with_labels(whole, part.labels, named=own is None)
    if part.vessel_values:
        values = LabelValues.parse(part.vessel_values, part.ignored_values)
        own, dataset = None if own is None else own.with_values(values), dataset.with_values(values)
    if own is not None and dataset.split == "training" and own.count("validation"):
        return _Found(dataset, _with_labels(own.part("validation"), part.labels, named=False), own=True)
    chosen = hold_out(dataset, part, seed)
    held = tuple(case for index, case in enumerate(dataset.cases) if index in chosen)
    learned = tuple(case for index, case in enumerate(dataset.cases) if index not in chosen)
    return _Found(replace(dataset, cases=learned), replace(dataset, cases=held), own=own is not None)


def hold_out(dataset: DataSet, part: SourceSection, seed: int) -> set[int]:
    """Numbers of the cases that are held out: at least as many as wanted, and all photographs of a person together.

    Depends on the seed and the data set alone, so that a resumed or repeated run holds out the same photographs.

    Raises
    ------
    TrainingError : nothing would be left to learn from.
    """
    persons = list(dict.fromkeys(case.person for case in dataset.cases))
    chosen: set[int] = set()
    for person in np.random.default_rng([seed, 0x5EED]).permutation(len(persons)):
        if len(chosen) >= part.validation_photos:
            break
        chosen |= {index for index, case in enumerate(dataset.cases) if case.person == persons[person]}
    if len(chosen) == len(dataset.cases):
        many = len(dataset.cases)
        what = "1 photograph" if many == 1 else f"{many} photographs of {len(persons)} persons"
        fewer = f"{len(persons) - 1} or fewer" if len(persons) > 1 else "none"
        raise TrainingError(
            f"{dataset.name} {dataset.split} has {what}; with {part.validation_photos} held out for validation none is "
            f"left to learn from. Hold out {fewer}: --hold-out {max(0, min(len(persons) - 1, many // 3))} on the "
            "command line, validation_photos in the recipe (0: none, the choice is made on the photographs that were "
            "learned from)"
        )
    return chosen


def load_sample(case: Case, config: TrainingConfig, teacher: Teacher | None = None) -> Sample:
    """One photograph with its ground truth, prepared by the recipe and on the network's grid, with its variants.

    Where the recipe has a teacher, its probabilities are a part of the target.
    """
    photo, fov, label = _read(case, config)
    image = as_recipe_wants(photo, config.preprocessing)
    prepared = prepare(image, fov, config.preprocessing)
    target = on_grid(label.vessel, prepared, config.data.targets)
    if teacher is not None:
        target = teacher.beside(target, photo, fov, prepared)
    planes = _variants(case.stem, image, fov, prepared, config)
    return Sample.make(case.stem, planes, target, _counted(label, prepared))


def _load_unlabelled(photo: Path, config: TrainingConfig, teacher: Teacher) -> Sample:
    """One photograph without a label; the teacher's probabilities are the target."""
    original = read_fundus(photo)
    fov = estimate_field_of_view(original)
    image = as_recipe_wants(original, config.preprocessing)
    prepared = prepare(image, fov, config.preprocessing)
    target = teacher.says(original, fov, prepared)
    return Sample.make(photo.stem, _variants(photo.stem, image, fov, prepared, config), target, prepared.inside)


def _variants(
    name: str, image: FundusImage, fov: FieldOfView, prepared: NetInput, config: TrainingConfig
) -> tuple[FloatArray, ...]:
    """The photograph as it is, then as other cameras might have taken it; the name and the seed decide which."""
    planes = [prepared.planes]
    if config.augmentation.cameras:
        rgb = _rgb_on_grid(image, prepared)
        for number in range(config.augmentation.cameras):
            key = [config.run.seed, 0xCA3E5A, number, *name.encode()]
            varied = other_camera(rgb, prepared.inside, np.random.default_rng(key))
            planes.append(_prepared_again(varied, prepared, fov))
    return tuple(planes)


def _load_held_out(case: Case, config: TrainingConfig) -> HeldOut:
    image, fov, label = _read(case, config)
    prepared = prepare(as_recipe_wants(image, config.preprocessing), fov, config.preprocessing)
    return HeldOut(
        case.stem,
        small_picture(image.rgb),
        prepared,
        on_grid(label.vessel, prepared, config.data.targets),
        label.vessel,
        fov,
        label.scored(fov.inside),
        _counted(label, prepared).astype(np.float32),
    )


def _counted(label: ExpertLabel, prepared: NetInput) -> BoolArray:
    """Where the network learns from the label, bool (h, w) on its grid."""
    if label.ignored is None:
        return prepared.inside
    counted: BoolArray = prepared.inside & (on_grid(label.ignored, prepared, "soft") == 0)
    return counted


def _read(case: Case, config: TrainingConfig) -> tuple[FundusImage, FieldOfView, ExpertLabel]:
    image = read_fundus(case.photo)
    fov = read_fov_of(case.fov, image) if case.fov else estimate_field_of_view(image)
    expert, path = next(iter(case.labels.items()))
    label = read_label(path, shape=image.shape, values=case.values.get(expert))
    if not (label.vessel & fov.inside).any():
        raise LabelError(
            f"{label.source} has no vessel pixel inside the field of view; training needs labelled vessels"
        )
    # A label of another photograph has the right size and looks like a label, and would spoil the training unseen.
    wrong = find_wrong_pair(image, fov, label) if config.data.check_pairs else None
    if wrong is not None:
        raise LabelError(
            f"{wrong.sentence} Correct the pair, or set check_pairs = false in the recipe's data part. ({case.photo})"
        )
    return image, fov, label


def _with_labels(dataset: DataSet, expert: str, *, named: bool) -> DataSet:
    """The data set with one expert's labels in the first place; ``named``: the protocol says whose they are."""
    if not expert:
        return dataset
    cases = []
    for case in dataset.cases:
        if expert not in case.labels:
            known = ", ".join(f"'{name}'" for name in case.labels)
            raise TrainingError(f"there is no label '{expert}' for {case.photo}; this photograph has {known}")
        cases.append(replace(case, labels={expert: case.labels[expert]}))
    usual = next(iter(dataset.cases[0].labels))
    other = expert if named else "another label of each"
    protocol = dataset.protocol if expert == usual else f"{dataset.protocol}; HERE INSTEAD: ground truth {other}"
    return replace(dataset, protocol=protocol, cases=tuple(cases))


def _refuse_repeats(datasets: list[DataSet]) -> None:
    """A photograph in two sources could be learned from in one and chosen on in the other."""
    seen: dict[Path, str] = {}
    for dataset in datasets:
        for case in dataset.cases:
            place = f"{dataset.name} {dataset.split}"
            if case.photo.resolve() in seen:
                first = seen[case.photo.resolve()]
                raise TrainingError(f"{case.photo} is in two sources, {first} and {place}; leave one of them out")
            seen[case.photo.resolve()] = place


def _rgb_on_grid(image: FundusImage, prepared: NetInput) -> ByteArray:
    """The colours of the photograph on the network's grid, uint8 (h, w, 3)."""
    top, left, bottom, right = prepared.box
    cropped = image.rgb[top:bottom, left:right]
    height, width = prepared.inside.shape
    if cropped.shape[:2] == (height, width):
        return np.ascontiguousarray(cropped)
    how = cv2.INTER_AREA if prepared.scale < 1.0 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(cropped, (width, height), interpolation=how), np.uint8)


def _prepared_again(rgb: ByteArray, prepared: NetInput, fov: FieldOfView) -> FloatArray:
    """Planes of a photograph that is already on the network's grid; ``fov`` is that of the photograph itself."""
    resampled = FieldOfView(prepared.inside, fov.origin)
    again = prepare(FundusImage(rgb), resampled, prepared.recipe.model_copy(update={"fov_diameter_px": 0.0}))
    planes = np.zeros_like(prepared.planes)
    top, left, bottom, right = again.box
    planes[:, top:bottom, left:right] = again.planes
    return planes

"""From the photographs of a data set to prepared training samples."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from core.datasets.layouts import Case, read_layout
from core.errors import LabelError, TrainingError
from core.photo.field_of_view import estimate_field_of_view
from core.photo.preprocessing import NetInput, Preprocessing, prepare
from core.photo.reading import read_fov, read_fundus, read_label
from core.progress import Monitor, Progress
from core.training.augmentation import Sample
from core.training.config import TrainingConfig
from core.types import BoolArray


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a run learns from, what it is chosen on, and the protocol in words."""

    training: list[Sample]
    validation: list[Sample]
    protocol: str


def load_training_data(config: TrainingConfig, root: Path, monitor: Monitor) -> TrainingData:
    """Read and prepare every photograph of the configured split, and hold out the validation part.

    Raises
    ------
    InputError, LabelError : a file is missing, unreadable, or a label does not fit its photograph or is empty.
    TrainingError : fewer photographs than the validation part needs.
    """
    dataset = read_layout(config.data.dataset, root, config.data.split)
    held_out = config.data.validation_photos
    if len(dataset.cases) <= held_out:
        raise TrainingError(
            f"{dataset.name} {dataset.split} has {len(dataset.cases)} photographs; with {held_out} held out for "
            "validation none is left to learn from; hold out fewer"
        )
    samples = []
    for done, case in enumerate(dataset.cases):
        monitor.step(Progress("Reading photographs", done, len(dataset.cases)))
        samples.append(load_sample(case, config.preprocessing))
    # The split depends on the seed alone, so that a resumed or repeated run holds out the same photographs.
    order = np.random.default_rng([config.run.seed, 0x5EED]).permutation(len(samples))
    chosen = set(order[:held_out].tolist())
    return TrainingData(
        [sample for index, sample in enumerate(samples) if index not in chosen],
        [sample for index, sample in enumerate(samples) if index in chosen],
        dataset.protocol,
    )


def load_sample(case: Case, recipe: Preprocessing) -> Sample:
    """One photograph with its ground truth, prepared by the recipe and on the network's grid."""
    image = read_fundus(case.photo)
    fov = read_fov(case.fov, shape=image.shape) if case.fov else estimate_field_of_view(image)
    label = read_label(next(iter(case.labels.values())), shape=image.shape)
    if not (label.vessel & fov.inside).any():
        raise LabelError(
            f"{label.source} has no vessel pixel inside the field of view; training needs labelled vessels"
        )
    prepared = prepare(image, fov, recipe)
    return Sample.make(case.stem, prepared.planes, _to_grid(label.vessel, prepared), prepared.inside)


def _to_grid(vessel: BoolArray, prepared: NetInput) -> BoolArray:
    """The label on the grid of the prepared photograph: vessel where at least half of the area is."""
    top, left, bottom, right = prepared.box
    cropped = vessel[top:bottom, left:right]
    height, width = prepared.inside.shape
    if cropped.shape == (height, width):
        return np.ascontiguousarray(cropped)
    how = cv2.INTER_AREA if prepared.scale < 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cropped.astype(np.float32), (width, height), interpolation=how)) >= 0.5

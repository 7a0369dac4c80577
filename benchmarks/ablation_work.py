"""What is done for one arm and one seed, in a process that does several of them, one after the other."""

import gc
import json
import os
import platform
import statistics
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from multiprocessing.synchronize import Event
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final

import cv2
import numpy as np
import torch
from ablation_arms import Arm, Folders

from core.datasets.finding import find_split
from core.datasets.synthetic import draw_case
from core.evaluation.cldice import Skeletons
from core.evaluation.connectedness import unit_of
from core.evaluation.dataset_evaluation import FileReader
from core.evaluation.measure import measure, pool
from core.files import write_bytes_atomic
from core.inference.device import choose_device, fastest_precision
from core.inference.options import InferenceOptions
from core.inference.runner import TorchRunner
from core.models.catalogue import load_model
from core.models.weights_file import save_model
from core.networks.cost import DRIVE_PX
from core.networks.registry import build
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import read_fundus
from core.progress import SILENT, Cancelled, Progress
from core.resources import resource_path
from core.segment import segment_photo
from core.training.augmentation import Sample
from core.training.config import TrainingConfig
from core.training.data import TrainingData, load_training_data
from core.training.events import read_events
from core.training.loop import EVENTS_FILE, fabric_for, train
from core.training.run import Run
from core.types import BoolArray, FieldOfView, FundusImage

SCORES: Final = {
    "auc_roc": "AUC",
    "f1": "F1",
    "sensitivity": "SE",
    "specificity": "SP",
    "accuracy": "ACC",
    "cl_dice": "clDice",
    "pieces_error": "broken pieces",
}


_STEPS_TO_WARM_UP: Final = 8


@dataclass(frozen=True)
class Task:
    """One arm with one seed, and what a process needs to know for it.

    ``until`` is of ``time.time()``. ``drawn`` : its maps are kept for the pictures.
    """

    arm: Arm
    seed: int
    recipe: TrainingConfig
    folders: Folders
    device: str
    until: float
    drawn: bool = False

    @property
    def key(self) -> str:
        return self.arm.key(self.seed)


class Until:
    """A monitor that ends the work at a time, or when the program is stopped; what was begun can be resumed."""

    stopped: Event | None = None
    _said: ClassVar[set[str]] = set()

    def __init__(self, until: float) -> None:
        self._until = until

    def step(self, _: Progress) -> None:
        if time.time() > self._until or (self.stopped is not None and self.stopped.is_set()):
            raise Cancelled

    def note(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            print(message, flush=True)


@cache
def _photographs(recipe: str, folders: Folders) -> TrainingData:
    return load_training_data(TrainingConfig.model_validate_json(recipe), folders.root, SILENT)


def _data(task: Task) -> TrainingData:
    """The prepared photographs: read once by a process for all networks that learn from the same ones."""
    recipe = task.arm.recipe(task.recipe, task.seed)
    plain = TrainingConfig(data=recipe.data, preprocessing=recipe.preprocessing)
    plain = plain.replaced("augmentation", cameras=recipe.augmentation.cameras).replaced("run", seed=task.seed)
    data = _photographs(plain.model_dump_json(), task.folders)
    if not task.arm.fixed_places:
        return data
    px = recipe.optimisation.crop_px
    sources = (
        replace(source, training=[at_fixed_places(sample, px) for sample in source.training]) for source in data.sources
    )
    return TrainingData(tuple(sources))


def at_fixed_places(sample: Sample, crop_px: int) -> Sample:
    """Crop centres on the smallest grid whose crops cover the photograph, in the place of any pixel."""
    each = [
        np.linspace(crop_px / 2, side - crop_px / 2, -(-side // crop_px)) if side > crop_px else np.array([side / 2])
        for side in sample.inside.shape
    ]
    rows, columns = (grid.ravel().astype(np.int32) for grid in np.meshgrid(*each, indexing="ij"))
    return replace(sample, rows=rows, columns=columns)


def seconds_per_step(task: Task, seconds: float) -> float:
    """How long a step of this arm takes now, beside whatever else runs."""
    recipe = task.arm.recipe(task.recipe, task.seed)
    with TemporaryDirectory(prefix="serr-trial-") as folder:
        run = Run(recipe, _data(task), fabric_for(recipe, task.device), Path(folder))
        run.benchmark(_STEPS_TO_WARM_UP, seconds, SILENT)
        return run.benchmark(recipe.optimisation.steps, seconds, SILENT)[0]


def train_arm(task: Task) -> str:
    """Train, or resume what was begun, and keep the chosen weights in half precision, and what was measured."""
    recipe, folders = task.arm.recipe(task.recipe, task.seed), task.folders
    folder = folders.runs / task.key
    began = time.monotonic()
    result = train(
        recipe, folders.root, folder, resume=True, device=task.device, data=_data(task), monitor=Until(task.until)
    )
    events = read_events(folder / EVENTS_FILE)
    learned = [event["seconds_per_step"] for event in events if event["event"] == "learned"]
    model = load_model(str(result.weights))
    gc.collect()  # the recorded step of a GPU holds its memory until then
    folders.model(task.key).parent.mkdir(parents=True, exist_ok=True)
    save_model(folders.model(task.key), model.module, model.card, half=True)
    facts = {
        "arm": task.arm.name,
        "seed": task.seed,
        "steps": recipe.optimisation.steps,
        "batch": recipe.optimisation.batch,
        "best_step": result.best_step,
        "validation": asdict(result.best),
        "seconds_per_step": statistics.median(learned) if learned else None,
        "seconds": time.monotonic() - began,
        **machine(task.device),
    }
    write_bytes_atomic(folders.trained(task.key), json.dumps(facts).encode())
    return f"{task.key}: AUC {result.best.auc_roc:.4f} on held-out photographs, best after {result.best_step} steps"


@cache
def _test_photographs(folders: Folders) -> list[tuple[str, FundusImage, FieldOfView, BoolArray]]:
    reader, found = FileReader(), []
    for case in find_split("drive", folders.root, "test").cases:
        image = read_fundus(case.photo)
        fov = reader.fov(case, image)
        found.append((case.stem, image, fov, reader.label(case, next(iter(case.labels)), fov).vessel))
    return found


def measure_arm(task: Task) -> str:
    """Score an arm at its own threshold on DRIVE's test photographs, inside the field of view."""
    model, options = load_model(str(task.folders.model(task.key))), InferenceOptions(device=task.device)
    rows, parts, monitor = [], [], Until(task.until)
    for stem, image, fov, drawn in _test_photographs(task.folders):
        found = segment_photo(image, model, fov=fov, options=options, monitor=monitor)
        one = measure(
            found.probability,
            drawn,
            fov.inside,
            rule=model.card.rule,
            vessel=found.mask.vessel,
            skeletons=Skeletons(),
            unit_px=unit_of(fov.diameter_px),
        )
        parts.append(replace(one, values=None))
        rows.append({"photo": stem, **{name: one.scores.to_dict()[name] for name in SCORES}})
    pooled = pool(parts).scores.to_dict()
    text = {"level": model.card.rule.level, "pooled": pooled, "photographs": rows}
    task.folders.scores(task.key).parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(task.folders.scores(task.key), json.dumps(text | machine(task.device)).encode())
    return f"{task.key}: measured"


def draw_maps(task: Task) -> str:
    """Keep an arm's maps of the photographs that may be shown."""
    model, options = load_model(str(task.folders.model(task.key))), InferenceOptions(device=task.device)
    for number, (image, fov, _) in enumerate(travelling()):
        place = task.folders.map(task.key, number)
        place.parent.mkdir(parents=True, exist_ok=True)
        found = segment_photo(image, model, fov=fov, options=options, monitor=Until(task.until))
        good, data = cv2.imencode(".png", found.probability.levels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        if not good:
            raise ValueError(f"{place} cannot be written")
        write_bytes_atomic(place, bytes(data))
    return f"{task.key}: maps drawn"


def lacks_maps(task: Task) -> bool:
    """Whether maps of this arm are wanted that are not there, and can be made."""
    there = (task.folders.map(task.key, number).is_file() for number in range(len(travelling())))
    return task.drawn and task.folders.model(task.key).is_file() and not all(there)


@cache
def travelling() -> list[tuple[FundusImage, FieldOfView, BoolArray | None]]:
    """Photographs that may be shown: the sample, and two drawn ones with their exact labels."""
    image = read_fundus(resource_path("sample", "retina.jpg"))
    fov = estimate_field_of_view(image)
    drawn = [draw_case(seed, 512) for seed in (1, 2)]
    return [(image, fov, None), *((case.image, case.fov, case.label.vessel) for case in drawn)]


def time_networks(task: Task, arms: list[Arm], seconds: float) -> str:
    """Measure the networks in turn, again and again, on one photograph of DRIVE's size: whatever else the machine does
    then meets all of them alike. Transfers to and from the device are in it, and the network is as inference has it.
    """
    device = choose_device(task.device)
    precision = fastest_precision(device)
    runners, taken = {}, dict[str, list[float]]()
    for arm in arms:
        part = arm.recipe(task.recipe, task.seed).network
        module = build(part.architecture, part.config)
        runner = TorchRunner(module, device, precision)
        height, width = (side + -side % runner.stride for side in DRIVE_PX)
        planes = np.random.default_rng(0).standard_normal((module.in_channels, height, width), np.float32)
        runners[arm.name] = (runner, planes)
    began, rounds = time.monotonic(), 0
    while rounds < 3 or time.monotonic() - began < seconds:
        for name, (runner, planes) in runners.items():
            start = time.perf_counter()
            runner.run(planes)  # ends with the copy to the host, which waits for the device
            taken.setdefault(name, []).append(time.perf_counter() - start)
        rounds += 1
    medians = {name: statistics.median(values[1:]) for name, values in taken.items()}  # the first one warms up
    text = {"seconds": medians, "rounds": rounds - 1, "precision": precision, **machine(task.device)}
    write_bytes_atomic(task.folders.times(device.kind), json.dumps(text).encode())
    return f"times on {device.label}: {rounds - 1} rounds"


def machine(device: str) -> dict[str, Any]:
    """What computed, and when."""
    return {
        "device": choose_device(device).label,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "torch": torch.__version__,
        "date": f"{datetime.now(UTC):%d %B %Y}",
    }

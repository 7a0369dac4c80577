"""How each kind of file is read, as the program reads it; only sentences for a person may come out of it."""

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from core.errors import SerrError
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import read_fov, read_fundus, read_label
from core.types import FieldOfView, FundusImage
from tests.campaign.sessions import Wrong, read_damaged_journal, read_damaged_session

LONGEST_SENTENCE = 2000


def read(reader: str, path: Path, samples: Path) -> str:
    """Read a file; "read" or "refused".

    Raises
    ------
    Wrong, or whatever escapes from the program : a failure of the campaign.
    """
    try:
        _READERS[reader](path, samples)
    except SerrError as error:
        text = str(error)
        if not text or len(text) > LONGEST_SENTENCE or "Traceback" in text:
            raise Wrong(f"no sentence: {text[:200]!r}") from error
        return "refused"
    return "read"


def _photograph(path: Path, _: Path) -> None:
    image = read_fundus(path)
    estimate_field_of_view(image)


def _label(path: Path, _: Path) -> None:
    try:
        read_label(path)
    finally:
        read_fov(path)


def _prediction(path: Path, samples: Path) -> None:
    """As the result of a photograph; what counts as a probability, or as a mask, checks itself."""
    from core.evaluation.predictions import find_predictions, read_own_map

    image = _small_image(samples)
    assert image.source is not None
    path = path.rename(path.with_name(f"{image.source.stem}_probability{path.suffix}"))
    found = find_predictions(path.parent, [image.source])
    found.predict(image, FieldOfView.full(image.shape))
    read_own_map(path)


def _model(path: Path, samples: Path) -> None:
    """One bad model must not take the others down; one that loads must give numbers, or a sentence."""
    from core.inference.options import InferenceOptions
    from core.models.catalogue import list_models, load_model
    from core.segment import segment_photo

    folder = path.parent / "models"
    folder.mkdir(exist_ok=True)
    shutil.copy(samples / "model" / "small.safetensors", folder / "good.safetensors")
    shutil.copy(path, folder / "bad.safetensors")
    os.environ["SERR_MODELS"] = str(folder)
    if not any(entry.path.name == "good.safetensors" for entry in list_models()):
        raise Wrong("the good model is gone")
    model = load_model(path)
    found = segment_photo(_small_image(samples), model, options=InferenceOptions("cpu"))
    if not np.isfinite(found.probability.values).all():
        raise Wrong("a map that is not of numbers")


@cache
def _small_image(samples: Path) -> FundusImage:
    return read_fundus(samples / "photograph" / "eye.png")


def _sidecar(path: Path, samples: Path) -> None:
    from core.replay import replay_sidecar
    from core.sidecar import read_sidecar

    os.environ["SERR_MODELS"] = str(samples / "model")
    read_sidecar(path)
    replay_sidecar(path, samples / "work" / "eye.png")


def _dataset(path: Path, _: Path) -> None:
    from core.datasets.dataset_file import read_dataset_file

    found = read_dataset_file(path)
    for part in ("training", "validation", "test"):
        if found.count(part):  # type: ignore[arg-type]
            found.part(part)


def _recipe(path: Path, _: Path) -> None:
    from core.networks.families import resolve
    from core.training.config import load_config, to_toml

    config = load_config(path)
    resolve(config.network.architecture, config.network.config)
    again = path.with_name("again.toml")
    again.write_text(to_toml(config), encoding="utf-8")
    if load_config(again) != config:
        raise Wrong("the recipe does not come back")


def _run(path: Path, samples: Path) -> None:
    """A run is looked at, and resumed where its state can be read; the log is cut as a resume does."""
    from core.training.events import EventLog
    from core.training.loop import train
    from core.training.run_view import follow_run

    run = path.parent / "resumed"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(samples / "work" / "run", run)
    shutil.copy(path, run / path.name)
    view = follow_run(run)
    _ = view.best, view.seconds_left
    if path.suffix == ".jsonl":
        EventLog(run / path.name).cut_after(3)
        return
    from core.training.config import load_config

    train(load_config(run / "config.toml"), samples / "work", run, resume=True, device="cpu")


def _job(path: Path, samples: Path) -> None:
    from core.jobs.store import JOB_FILE, find_job, list_jobs, remove_job
    from core.training.run_view import follow_run

    store = path.parent / "jobs"
    shutil.rmtree(store, ignore_errors=True)
    for name in ("good", "bad"):
        (store / name).mkdir(parents=True)
        for file in ("job.json", "status.json"):
            shutil.copy(samples / "job" / file, store / name / file)
    shutil.copy(path, store / "bad" / path.name)
    os.environ["SERR_JOBS"] = str(store)
    jobs = {job.id: job for job in list_jobs()}
    if jobs.keys() != {"good", "bad"} or jobs["good"].state != "done":
        raise Wrong(f"jobs are {[(name, job.state) for name, job in jobs.items()]}")
    for job in jobs.values():
        _ = job.weights, job.alive, follow_run(job.run)
    assert (store / "bad" / JOB_FILE).exists()
    bad = find_job("bad")
    if bad.alive:  # the damage says that it is just starting
        return
    remove_job(bad)
    if [job.id for job in list_jobs()] != ["good"]:
        raise Wrong("it could not be removed")


def _settings(path: Path, _: Path) -> None:
    from serr_gui.model.settings import load_settings, save_settings

    folder = path.parent / "config"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / "desktop.json")
    settings, _names = load_settings(folder)
    save_settings(settings, folder)
    if load_settings(folder) != (settings, ()):
        raise Wrong("the settings do not come back")


def _choices(path: Path, _: Path) -> None:
    from serr_gui.model.label_choices import LabelChoices, load_choices, remember
    from serr_gui.model.state import FovChoice

    folder = path.parent / "config"
    folder.mkdir(exist_ok=True)
    os.environ["SERR_CONFIG_DIR"] = str(folder)
    shutil.copy(path, folder / "labels.json")
    load_choices(Path("/eye.png"))
    new = LabelChoices(fov=FovChoice("full"))
    remember(Path("/new.png"), new)
    if load_choices(Path("/new.png")).fov != new.fov:
        raise Wrong("a choice was not kept")


_READERS: dict[str, Callable[[Path, Path], None]] = {
    "photograph": _photograph,
    "label": _label,
    "prediction": _prediction,
    "model": _model,
    "sidecar": _sidecar,
    "dataset": _dataset,
    "recipe": _recipe,
    "run": _run,
    "job": _job,
    "settings": _settings,
    "choices": _choices,
    "session": read_damaged_session,
    "journal": read_damaged_journal,
}

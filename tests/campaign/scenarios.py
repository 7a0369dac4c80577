"""What is interrupted: each leaves something that is whole, and continuing from there comes to the same end.

A scenario prepares a folder, does its work in it (which is killed or starved there), and then looks at what is left.
"""

import contextlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from core.cli.app import run as serr
from core.errors import SerrError
from core.files import TEMPORARY_PREFIX
from tests.campaign import sessions
from tests.campaign.sessions import Wrong

Step = Callable[[Path, Path], object]


@dataclass(frozen=True)
class Scenario:
    """``prepare`` and ``work`` get the folder and the samples; so does ``check``, which raises ``Wrong``.

    ``work`` raises nothing but SerrError; ``check`` may do the work again to its end.
    """

    prepare: Step
    work: Step
    check: Step


def told(*words: object) -> str:
    """Run a command; what it printed. Raises SerrError for a sentence, and Wrong where it was none."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = serr([str(word) for word in words])
    text = err.getvalue()
    if "should not have happened" in text or "Traceback" in text:
        raise Wrong(text)
    if code:
        raise SerrError(text or f"ended with {code}")
    return out.getvalue()


def whole_files(folder: Path) -> Iterator[Path]:
    """The files that anybody would look at."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith((TEMPORARY_PREFIX, ".")):
            yield path


def pictures_are_whole(folder: Path) -> None:
    for path in whole_files(folder):
        if path.suffix in {".png", ".tif"}:
            with Image.open(path) as picture:
                np.asarray(picture)


# ------------------------------------------------------------------------------------------------------------- export


def _segment(folder: Path, samples: Path, threshold: float, *more: str) -> None:
    model, photo = samples / "model" / "small.safetensors", samples / "work" / "eye.png"
    told("segment", photo, "--model", model, "-o", folder, "--device", "cpu", "--threshold", threshold, *more)


def _mask(folder: Path) -> bytes:
    with Image.open(folder / "eye_mask.png") as picture:
        return np.asarray(picture).tobytes()


def _check_export(folder: Path, samples: Path) -> None:
    """Where a side-car vouches, its mask is the one that it says; a second start ends well and complete."""
    from core.sidecar import pixels_sha256, read_sidecar

    pictures_are_whole(folder)
    path = folder / "eye.serr.json"
    if path.exists() and _vouches(path):
        sidecar = read_sidecar(path)
        with Image.open(folder / "eye_mask.png") as picture:
            same = pixels_sha256(np.asarray(picture) > 0) == sidecar.mask_sha256
        if not same:
            raise Wrong("the side-car vouches for another mask")
    _segment(folder, samples, 0.7, "--skip-existing")
    again = folder.with_name(folder.name + "-again")
    _segment(again, samples, 0.7)
    if {path.name for path in whole_files(folder)} != {path.name for path in whole_files(again)}:
        raise Wrong("files are missing, or left over")
    if _mask(folder) != _mask(again):
        raise Wrong("--skip-existing left an older result")


def _vouches(path: Path) -> bool:
    """Whether a side-car says that its files are complete."""
    from core.errors import InputError
    from core.sidecar import read_sidecar

    try:
        read_sidecar(path)
    except InputError as error:
        if type(error) is InputError:
            raise Wrong(f"the side-car is damaged: {error}") from error
        return False
    return True


# ----------------------------------------------------------------------------------------------------------- training


def _train(folder: Path, samples: Path) -> None:
    from core.training.config import load_config
    from core.training.loop import train

    config = load_config(samples / "recipe" / "whole.toml").replaced("run", validate_every=2)
    run = folder / "run"
    train(config, samples / "work", run, resume=(run / "config.toml").exists(), device="cpu")


def _check_training(folder: Path, samples: Path) -> None:
    from core.models.catalogue import load_model
    from core.training.events import read_events
    from core.training.run_view import follow_run

    follow_run(folder / "run")
    for path in folder.rglob("tiny*.safetensors"):
        load_model(path)
    _train(folder, samples)
    reference = samples / "reference" / "run"
    if not reference.is_dir():
        raise Wrong("there is no uninterrupted run to compare with")
    one, other = load_file(folder / "run" / "tiny.safetensors"), load_file(reference / "tiny.safetensors")
    if any((one[name] != other[name]).any() for name in other):
        raise Wrong("the resumed run came to other weights")
    steps = [event["step"] for event in read_events(folder / "run" / "events.jsonl") if event["event"] == "validated"]
    if steps != [2, 4, 5]:
        raise Wrong(f"validated at {steps}")
    pictures_are_whole(folder)


# --------------------------------------------------------------------------------------------------------- evaluation


def _evaluate(folder: Path, samples: Path) -> None:
    words = ("evaluate", "--dataset", samples / "work" / "drawn.serr-dataset", "--split", "all", "--device", "cpu")
    model = samples / "model" / "small.safetensors"
    out = ("--results", folder / "kept", "--csv", folder / "scores.csv", "--report", folder / "report.html")
    text = told(*words, "--model", model, *out, "--json")
    values = json.loads(text)
    (folder / "scores.json").write_text(json.dumps([values["pooled"], values["counts"]]), encoding="utf-8")


def _check_evaluation(folder: Path, samples: Path) -> None:
    pictures_are_whole(folder)
    _evaluate(folder, samples)
    for name in ("scores.json", "scores.csv"):
        if (folder / name).read_bytes() != (samples / "reference" / name).read_bytes():
            raise Wrong(f"{name} is another one")


# ------------------------------------------------------------------------------------------------------------ settings


def _settings(folder: Path, number: int) -> None:
    from serr_gui.model.settings import Settings, save_settings

    many = tuple(f"/{number}/{each}" for each in range(10))
    save_settings(Settings(recent=many, last_folder=str(number)), folder / "config")


def _check_settings(folder: Path, _: Path) -> None:
    from serr_gui.model.settings import load_settings

    settings, bad = load_settings(folder / "config")
    if bad or settings.last_folder not in {"1", "2"} or settings.recent[0] != f"/{settings.last_folder}/0":
        raise Wrong(f"the settings are {settings}, unusable {bad}")
    _settings(folder, 3)


def _choose(folder: Path, name: str) -> None:
    from serr_gui.model.label_choices import LabelChoices, remember
    from serr_gui.model.state import FovChoice

    os.environ["SERR_CONFIG_DIR"] = str(folder / "config")
    remember(Path("/photographs") / name, LabelChoices(fov=FovChoice("full")))


def _choose_many(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        _choose(folder, name)


def _check_choices(folder: Path, _: Path) -> None:
    from serr_gui.model.label_choices import load_choices

    _choose(folder, "new.png")
    for name in ("a.png", "b.png", "new.png"):
        if load_choices(Path("/photographs") / name).fov is None:
            raise Wrong(f"the choice for {name} is lost")


# ---------------------------------------------------------------------------------------------------- jobs and models


def _own_jobs(folder: Path) -> None:
    os.environ["SERR_JOBS"] = str(folder / "jobs")


def _make_job(folder: Path, name: str) -> None:
    from core.jobs.records import JobRequest, JobStatus
    from core.jobs.store import create_job, write_status

    _own_jobs(folder)
    job = create_job(JobRequest(name, notes="n" * 500), "a = 1\n")
    write_status(job.folder, JobStatus(state="paused", start_id="a"))


def _work_on_jobs(folder: Path, _: Path) -> None:
    from core.jobs.store import change_order, find_job, remove_job

    _own_jobs(folder)
    change_order(find_job("kept"), notes="changed")
    _make_job(folder, "new")
    remove_job(find_job("gone"))


def _check_jobs(folder: Path, _: Path) -> None:
    from core.jobs.store import find_job, list_jobs, remove_job

    _own_jobs(folder)
    jobs = {job.request.name: job for job in list_jobs()}
    if "kept" not in jobs or jobs["kept"].request.notes not in {"n" * 500, "changed"}:
        raise Wrong(f"a job that is kept is gone: {list(jobs)}")
    if bad := [job.status.sentence for job in jobs.values() if job.state == "damaged"]:
        raise Wrong(f"damaged: {bad}")
    for name in {"new", "gone"} & jobs.keys():
        if not jobs[name].alive:
            remove_job(find_job(name))
    _make_job(folder, "last")
    told("jobs", "--json")


def _own_models(folder: Path) -> None:
    os.environ["SERR_MODELS"] = str(folder / "models")


def _work_on_models(folder: Path, samples: Path) -> None:
    from core.models.user_models import add_model, change_model, remove_model

    _own_models(folder)
    add_model(samples / "model" / "small.safetensors", name="second")
    change_model("first", new_name="other", notes="changed")
    remove_model("second")


def _check_models(folder: Path, samples: Path) -> None:
    from core.models.catalogue import list_models, load_model
    from core.models.user_models import add_model

    _own_models(folder)
    names = {entry.card.name for entry in list_models() if not entry.bundled}
    if not names & {"first", "other"}:
        raise Wrong(f"the model is gone: {names}")
    for path in (folder / "models").glob("*.safetensors"):
        if not path.name.startswith("."):
            load_model(path)
    add_model(samples / "model" / "small.safetensors", name="third")


# ------------------------------------------------------------------------------------------------------ data set files


def _write_dataset(folder: Path, samples: Path, notes: str) -> None:
    from core.datasets.dataset_file import read_dataset_file, write_dataset_file

    found = read_dataset_file(samples / "work" / "drawn.serr-dataset")
    write_dataset_file(folder / "eyes.serr-dataset", replace(found, notes=notes))


def _check_dataset(folder: Path, _: Path) -> None:
    from core.datasets.dataset_file import read_dataset_file

    if read_dataset_file(folder / "eyes.serr-dataset").notes not in {"old", "new"}:
        raise Wrong("it is neither the old nor the new one")


def _nothing(_folder: Path, _samples: Path) -> None:
    pass


def _prepare_jobs(folder: Path, _: Path) -> None:
    for name in ("kept", "gone"):
        _make_job(folder, name)


def _prepare_models(folder: Path, samples: Path) -> None:
    from core.models.user_models import add_model

    _own_models(folder)
    add_model(samples / "model" / "small.safetensors", name="first")


SCENARIOS: dict[str, Scenario] = {
    "session": Scenario(sessions.prepare, sessions.save_again, sessions.check),
    "export": Scenario(
        lambda folder, samples: _segment(folder, samples, 0.3),
        lambda folder, samples: _segment(folder, samples, 0.7),
        _check_export,
    ),
    "training": Scenario(_nothing, _train, _check_training),
    "evaluation": Scenario(_nothing, _evaluate, _check_evaluation),
    "settings": Scenario(
        lambda folder, _: _settings(folder, 1), lambda folder, _: _settings(folder, 2), _check_settings
    ),
    "label choices": Scenario(
        lambda folder, _: _choose_many(folder, ("a.png", "b.png")),
        lambda folder, _: _choose_many(folder, ("c.png", "d.png")),
        _check_choices,
    ),
    "jobs": Scenario(_prepare_jobs, _work_on_jobs, _check_jobs),
    "models": Scenario(_prepare_models, _work_on_models, _check_models),
    "data set file": Scenario(
        lambda folder, samples: _write_dataset(folder, samples, "old"),
        lambda folder, samples: _write_dataset(folder, samples, "new"),
        _check_dataset,
    ),
}


def write_reference(samples: Path) -> None:
    """What the trainings and evaluations come to that nobody interrupts."""
    folder = samples / "reference"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    _train(folder, samples)
    _evaluate(folder, samples)

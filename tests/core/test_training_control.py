"""Pausing, stopping, fine-tuning, and following a run from outside."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from core.datasets.dataset_file import read_dataset_file, write_dataset_file
from core.datasets.leakage import Leakage, seen_by
from core.datasets.recognise import recognise
from core.datasets.splits import split_by_seed
from core.datasets.synthetic import write_drive_layout
from core.errors import TrainingError, WeightsError
from core.models.catalogue import load_model
from core.models.weights_header import read_card
from core.networks.families import resolve
from core.progress import Cancelled, Progress
from core.training.config import TrainingConfig, load_config
from core.training.control import ControlledMonitor, StopTraining
from core.training.events import EventLog, read_events
from core.training.loop import EVENTS_FILE, train
from core.training.run_view import LIMIT, RunFollower, follow_run
from tests.small_model import CONFIG, RECIPE, save_small_model

TINY = """
[data]
dataset = "{dataset}"
[network]
config = {{ width = 4, depth = 2 }}
[preprocessing]
fov_diameter_px = 96
[optimisation]
steps = {steps}
batch = 2
crop_px = 48
precision = "fp32"
ema_decay = 0.8
[run]
name = "tiny"
validate_every = 4
log_every = 3
threads = 1
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set file: drawn photographs, 3 for training, 1 for validation, 4 for testing."""
    folder = tmp_path_factory.mktemp("drawn")
    found = recognise(write_drive_layout(folder, 4, side=112)).dataset
    return write_dataset_file(
        folder / "drawn.serr-dataset", split_by_seed(found, seed=0, validation_share=0.25)
    ).absolute()


def tiny(folder: Path, dataset: Path, steps: int = 12) -> TrainingConfig:
    path = folder / "tiny.toml"
    path.write_text(TINY.format(dataset=dataset.as_posix(), steps=steps))
    return load_config(path)


class EndsAt:
    """A monitor that ends the training by an exception, when ``when`` says so."""

    def __init__(self, end: type[Exception], when: Callable[[Progress], bool]) -> None:
        self._end, self._when = end, when

    def step(self, progress: Progress) -> None:
        if self._when(progress):
            raise self._end

    def note(self, message: str) -> None:
        pass


def at_step(step: int) -> Callable[[Progress], bool]:
    return lambda progress: progress.stage.startswith("Training") and progress.done >= step


def curve(run: Path) -> list[tuple[object, ...]]:
    """Every point of both curves, without what depends on the clock."""
    return [
        (e["event"], e["step"], e["training_loss"], e.get("validation", {}).get("auc_roc"))
        for e in read_events(run / EVENTS_FILE)
        if e["event"] in {"learned", "validated"}
    ]


# ------------------------------------------------------------------------------------------------ pausing and stopping


@pytest.mark.parametrize(
    "when",
    [at_step(5), at_step(7), at_step(8), lambda p: p.stage == "Validating"],
    ids=["between", "before a validation", "after a validation", "in a validation"],
)
def test_a_paused_run_goes_on_from_that_very_step_to_the_same_curve(
    tmp_path: Path, dataset: Path, when: Callable[[Progress], bool]
) -> None:
    config = tiny(tmp_path, dataset)
    whole = train(config, Path(), tmp_path / "whole", device="cpu")
    with pytest.raises(Cancelled):
        train(config, Path(), tmp_path / "paused", device="cpu", monitor=EndsAt(Cancelled, when))
    before = curve(tmp_path / "paused")
    resumed = train(config, Path(), tmp_path / "paused", resume=True, device="cpu")
    after = curve(tmp_path / "paused")
    assert after[: len(before)] == before
    events = read_events(tmp_path / "paused" / EVENTS_FILE)
    assert [e["step"] for e in events if e["event"] == "resumed"] == [4 if when(Progress("Validating")) else _at(when)]
    validated = [point for point in after if point[0] == "validated"]
    assert validated == [point for point in curve(tmp_path / "whole") if point[0] == "validated"]
    assert load_model(whole.weights).sha256 == load_model(resumed.weights).sha256


def _at(when: Callable[[Progress], bool]) -> int:
    return next(step for step in range(100) if when(Progress("Training", step)))


@pytest.mark.parametrize("step", [2, 9])
def test_a_stopped_run_gives_the_best_weights_so_far(tmp_path: Path, dataset: Path, step: int) -> None:
    """At step 2 nothing has been validated yet: that is done then."""
    result = train(
        tiny(tmp_path, dataset, 1000),
        Path(),
        tmp_path / "run",
        device="cpu",
        monitor=EndsAt(StopTraining, at_step(step)),
    )
    events = read_events(tmp_path / "run" / EVENTS_FILE)
    validated = {e["step"]: e["validation"]["auc_roc"] for e in events if e["event"] == "validated"}
    assert list(validated) == ([2] if step == 2 else [4, 8])
    assert result.best.auc_roc == max(validated.values())
    assert events[-1]["event"] == "finished"
    assert events[-1]["step"] == step
    assert load_model(result.weights).card.name == "tiny"


def test_the_best_weights_are_on_the_disk_before_the_end(tmp_path: Path, dataset: Path) -> None:
    with pytest.raises(Cancelled):
        train(
            tiny(tmp_path, dataset, 1000),
            Path(),
            tmp_path / "run",
            device="cpu",
            monitor=EndsAt(Cancelled, at_step(6)),
        )
    model = load_model(tmp_path / "run" / "tiny.safetensors")
    validated = [e for e in read_events(tmp_path / "run" / EVENTS_FILE) if e["event"] == "validated"]
    assert model.card.default_threshold == validated[0]["validation"]["level"] / 256


def test_a_file_says_pause_or_stop(tmp_path: Path) -> None:
    file = tmp_path / "control"
    for word, end in (("", None), ("other", None), ("pause\n", Cancelled), ("stop", StopTraining)):
        file.write_text(word)
        monitor = ControlledMonitor(EndsAt(ValueError, lambda _: False), file)
        if end is None:
            monitor.step(Progress("x"))
        else:
            with pytest.raises(end):
                monitor.step(Progress("x"))
        assert monitor.command == (word.strip() if end else "")
    file.unlink()
    ControlledMonitor(EndsAt(ValueError, lambda _: False), file).step(Progress("x"))


@pytest.mark.parametrize("figure", ["auc_roc", "auc_pr", "f1"])
def test_the_recipe_says_which_figure_chooses_the_weights(tmp_path: Path, dataset: Path, figure: str) -> None:
    config = tiny(tmp_path, dataset, 20).replaced("run", validate_every=1, seed=1)
    # Restless enough for AUC and F1 to be at their best at different steps.
    restless = {"ema_decay": 0.0, "peak_rate": 0.02, "schedule": "constant", "loss": "dice"}
    config = config.replaced("optimisation", choose_by=figure, **restless)
    result = train(config, Path(), tmp_path / "run", device="cpu")
    seen = [e for e in read_events(tmp_path / "run" / EVENTS_FILE) if e["event"] == "validated"]
    best = max(seen, key=lambda event: event["validation"][figure])
    assert (result.best_step, result.best.f1) == (best["step"], best["validation"]["f1"])
    followed = follow_run(tmp_path / "run").best
    assert followed is not None
    assert followed.step == best["step"]


# -------------------------------------------------------------------------------------------------------- fine-tuning


def test_fine_tuning_begins_with_the_model_and_its_recipe(tmp_path: Path, dataset: Path) -> None:
    start = save_small_model(tmp_path / "start.safetensors", "start")
    config = tiny(tmp_path, dataset, 4).replaced("network", start_from=str(start))
    result = train(config, Path(), tmp_path / "run", device="cpu")
    recorded = load_config(tmp_path / "run" / "config.toml")
    assert recorded.network.config == CONFIG
    assert recorded.preprocessing == RECIPE
    assert recorded.network.start_sha256 == read_card(start).sha256
    model = load_model(result.weights)
    assert model.card.config == resolve("serr-unet", CONFIG)
    assert model.card.trained_on.startswith(f"start ({read_card(start).sha256[:12]}), then DRIVE, training part")
    first = next(e for e in read_events(tmp_path / "run" / EVENTS_FILE) if e["event"] == "validated")
    assert first["step"] == 0
    assert first["training_loss"] is None
    assert result.best.auc_roc >= first["validation"]["auc_roc"] > 0.8, "the small model knows drawn vessels"


def test_a_tuned_model_knows_what_the_model_that_it_began_with_had_learned_from(tmp_path: Path, dataset: Path) -> None:
    before = {"dataset": "drive", "split": "train"}
    start = save_small_model(tmp_path / "start.safetensors", "start", training={"data": before})
    config = tiny(tmp_path, dataset, 2).replaced("network", start_from=str(start))
    first = read_card(train(config, Path(), tmp_path / "run", device="cpu").weights)
    assert first.data_sets == (dataset.stem, "drive")
    assert first.knows_its_sources
    own = read_dataset_file(dataset).part("training").cases[0].photo
    assert seen_by(first, "own", Path(), [own]) == Leakage(frozenset({own}))
    again = config.replaced("network", start_from=str(tmp_path / "run" / f"{first.name}.safetensors"))
    second = read_card(train(again.replaced("run", name="second"), Path(), tmp_path / "b", device="cpu").weights)
    assert second.knows_its_sources
    assert [source["dataset"] for source in second.sources] == [dataset.name, dataset.name, "drive"]
    assert str(tmp_path) not in str(second.to_dict()), "no folders of the one who trained"


def test_a_recipe_may_keep_its_own_scale_when_it_begins_with_a_model(tmp_path: Path, dataset: Path) -> None:
    start = save_small_model(tmp_path / "start.safetensors", "start")
    config = tiny(tmp_path, dataset, 2).replaced("network", start_from=str(start), keep_scale=False)
    config = config.replaced("preprocessing", fov_diameter_px=80.0, gamma=2.0)
    card = read_card(train(config, Path(), tmp_path / "run", device="cpu").weights)
    assert card.preprocessing == RECIPE.model_copy(update={"fov_diameter_px": 80.0})


def test_fine_tuning_that_makes_nothing_better_gives_the_model_back(tmp_path: Path, dataset: Path) -> None:
    start = save_small_model(tmp_path / "start.safetensors", "start")
    config = tiny(tmp_path, dataset, 4).replaced("network", start_from=str(start))
    config = config.replaced("optimisation", peak_rate=5.0, gradient_norm=1e9)
    result = train(config, Path(), tmp_path / "run", device="cpu")
    assert result.best_step == 0
    mine, theirs = load_model(result.weights).module.state_dict(), load_model(start).module.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_the_model_may_go_after_the_first_checkpoint_but_not_change_before(tmp_path: Path, dataset: Path) -> None:
    start = save_small_model(tmp_path / "start.safetensors", "start")
    config = tiny(tmp_path, dataset, 8).replaced("network", start_from=str(start))
    with pytest.raises(Cancelled):
        train(config, Path(), tmp_path / "a", device="cpu", monitor=EndsAt(Cancelled, at_step(2)))
    with pytest.raises(Cancelled):
        train(config, Path(), tmp_path / "b", device="cpu", monitor=EndsAt(Cancelled, lambda p: "Reading" in p.stage))
    other = load_model(start)
    next(iter(other.module.parameters())).data += 1.0
    from core.models.weights_file import save_model

    save_model(start, other.module, other.card)
    with pytest.raises(TrainingError, match="no longer the model"):
        train(config, Path(), tmp_path / "b", resume=True, device="cpu")
    start.unlink()
    assert train(config, Path(), tmp_path / "a", resume=True, device="cpu").weights.is_file()
    with pytest.raises(WeightsError, match="start"):
        train(config, Path(), tmp_path / "c", device="cpu")


# ------------------------------------------------------------------------------------------------------ data set files


def test_the_validation_part_of_a_data_set_file_is_held_out(tmp_path: Path, dataset: Path) -> None:
    train(tiny(tmp_path, dataset, 4), Path(), tmp_path / "run", device="cpu")
    started = read_events(tmp_path / "run" / EVENTS_FILE)[0]
    file = read_dataset_file(dataset)
    for part in ("training", "validation"):
        assert sorted(started[part]) == sorted(case.stem for case in file.part(part).cases)
    assert "DRIVE, training part" in load_model(tmp_path / "run" / "tiny.safetensors").card.trained_on


def test_a_card_tells_others_neither_names_nor_folders_and_yet_knows_its_photographs(
    tmp_path: Path, dataset: Path
) -> None:
    file = read_dataset_file(dataset)
    entries = tuple(replace(e, case=replace(e.case, labels={"Dr. Ann": next(iter(e.case.labels.values()))}))
        for e in file.entries)  # fmt: skip
    own = write_dataset_file(tmp_path / "clinic.serr-dataset", replace(file, entries=entries))
    config = tiny(tmp_path, own.absolute(), 4)
    source = {"dataset": str(own.absolute()), "labels": "Dr. Ann"}
    train(config.replaced("data", sources=[source]), Path(), tmp_path / "run", device="cpu")
    for name in ("tiny", "tiny-last"):
        card = read_card(tmp_path / "run" / f"{name}.safetensors")
        text = json.dumps(card.to_dict())
        assert "clinic.serr-dataset" in text
        assert "3 photographs to learn from, 1 held out" in text
        secrets = ["Dr. Ann", tmp_path.name, dataset.parent.name, *(e.case.stem for e in file.entries)]
        assert [secret for secret in secrets if secret in text] == []
    assert str(own.absolute()) in (tmp_path / "run" / "config.toml").read_text()  # the run itself keeps them
    for part, seen in (("training", True), ("validation", True), ("test", False)):
        photos = [case.photo for case in file.part(part).cases]
        assert seen_by(card, "drive", tmp_path, photos).seen == (set(photos) if seen else set())


def test_without_a_validation_part_some_are_held_out_together(tmp_path: Path, dataset: Path) -> None:
    file = read_dataset_file(dataset)
    entries = [replace(e, part="training", group="one" if i < 3 else "") for i, e in enumerate(file.entries)]
    path = write_dataset_file(tmp_path / "x.serr-dataset", replace(file, entries=tuple(entries)))
    config = tiny(tmp_path, path.absolute(), 4)
    source = config.data.sources[0].model_copy(update={"validation_photos": 1})
    train(config.replaced("data", sources=[source.model_dump()]), Path(), tmp_path / "run", device="cpu")
    held = set(read_events(tmp_path / "run" / EVENTS_FILE)[0]["validation"])
    group = {e.case.stem for e in entries[:3]}
    assert held
    assert not held & group or held >= group


def test_a_model_is_called_after_the_data_set_file(dataset: Path) -> None:
    config = TrainingConfig().replaced("data", sources=[{"dataset": "/a/Ünser Set 1.serr-dataset"}])
    assert config.model_name == "serr-unet-Ünser-Set-1"


# ----------------------------------------------------------------------------------------------------------- following


def test_following_a_run_sees_what_was_logged(tmp_path: Path, dataset: Path) -> None:
    run = tmp_path / "run"
    train(tiny(tmp_path, dataset), Path(), run, device="cpu")
    view = follow_run(run)
    assert (view.step, view.steps, view.device) == (12, 12, "cpu")
    assert (view.training_photos, view.validation_photos) == (3, 1)
    assert [point.step for point in view.learned] == [3, 6, 9, 12]
    assert [point.step for point in view.validated] == [4, 8, 12]
    assert view.best is not None
    assert (view.best.step, view.finished) == (view.best_step, "tiny.safetensors")
    assert view.seconds_left == 0.0
    assert all(point.images_per_s > 0 and point.rate > 0 for point in view.learned)

    shown = [view.photo, view.label, *(point.picture for point in view.validated)]
    pictures = [cv2.imread(str(run / name), cv2.IMREAD_UNCHANGED) for name in shown]
    assert [picture.shape for picture in pictures] == [(112, 112, 3), *[(112, 112)] * 4]
    label, last = pictures[1] > 127, pictures[-1]
    assert last[label].mean() > last[~label].mean() + 5, "the map learns to look like the label"


def test_following_copes_with_cut_files_half_lines_and_unknown_events(tmp_path: Path) -> None:
    file = tmp_path / EVENTS_FILE
    follower = RunFollower(file)
    assert not follower.poll()
    log = EventLog(file)
    log.write("started", step=0, steps=20, validate_every=5, device="cpu")
    for step in (2, 4, 6, 8):
        log.write(
            "learned", step=step, training_loss=1 / step, learning_rate=1.0, images_per_second=2, seconds_per_step=1.5
        )
    with file.open("a") as end:
        end.write('{"event": "learned", "step": 10, "trai')
    assert follower.poll()
    assert not follower.poll()
    assert [point.step for point in follower.view.learned] == [2, 4, 6, 8]
    assert follower.view.seconds_left == 12 * 1.5

    log.cut_after(4)  # what a resumed run does
    log.write("resumed", step=4, steps=20, validate_every=5, device="cuda:0")
    log.write("something new", step=4, of="another version")
    log.write("learned", step=6)
    figures = {"loss": 0.5, "auc_roc": 0.9, "auc_pr": 0.8, "f1": 0.7}
    log.write(
        "validated",
        step=6,
        training_loss=None,
        learning_rate=1.0,
        seconds_per_step=1.0,
        seconds=3.0,
        validation=figures,
    )
    assert follower.poll()
    view = follower.view
    assert [point.step for point in view.learned] == [2, 4]
    assert math.isnan(view.validated[0].training_loss)
    assert (view.device, view.validated[0].auc_roc) == ("cuda:0", 0.9)
    assert view.seconds_left == 14 * 1.5 + 3 * 3.0


def test_following_a_long_run_keeps_a_bounded_curve(tmp_path: Path) -> None:
    file = tmp_path / EVENTS_FILE
    count = 3 * LIMIT
    lines = [
        json.dumps(
            {
                "event": "learned",
                "step": step,
                "training_loss": 1.0,
                "learning_rate": 1.0,
                "images_per_second": 1.0,
                "seconds_per_step": 1.0,
            }
        )
        for step in range(count)
    ]
    file.write_text("\n".join(lines) + "\n")
    view = follow_run(tmp_path)
    steps = np.array([point.step for point in view.learned])
    assert len(steps) <= LIMIT
    assert (steps[0], steps[-1]) == (0, count - 1)
    assert np.diff(steps).max() <= 16

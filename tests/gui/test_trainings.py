"""Trainings in the real window: ordered, watched, left and found again, paused, stopped, killed, compared and taken."""

import gc
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QMessageBox
from pytestqt.qtbot import QtBot

from core.datasets.dataset_file import read_dataset_file, write_dataset_file
from core.jobs.locks import try_lock
from core.jobs.records import JobRequest, JobStatus
from core.jobs.store import Job, create_job, list_jobs, read_job, write_status
from core.models.catalogue import load_model
from core.models.weights_header import read_card
from core.training.events import EventLog
from core.training.run_view import EVENTS_FILE, LIMIT
from serr_gui.app import Program
from serr_gui.model.state import DeviceChoice
from serr_gui.panels.training.models_compared_dialog import ModelsComparedDialog
from serr_gui.panels.training.new_training_dialog import NewTrainingDialog
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.model_questions import answer_use
from tests.job_runs import drawn_dataset, kill

LONG_MS = 4 * WAIT_MS


pytestmark = pytest.mark.usefixtures("job_store")


def form(program: Program, qtbot: QtBot, dataset: Path, steps: int = 100_000) -> NewTrainingDialog:
    """The form, filled in for a small training of the small model."""
    dialog = program.window.training_prompts.new_training(dataset)
    assert not dialog._order.isEnabled(), "not before it is known what is in the data set"
    qtbot.waitUntil(lambda: not dialog.is_looking, timeout=WAIT_MS)
    dialog.run.device.setCurrentIndex(dialog.run.device.findData("cpu"))
    small = {"steps": steps, "batch": 1, "crop_px": 16, "validate_every": 5, "peak_rate": 0.0005}
    for key, value in small.items():
        dialog.recipe.numbers[key].setValue(value)
    return dialog


def order(program: Program, qtbot: QtBot, dataset: Path, steps: int = 100_000) -> Job:
    """Start a training by the form, and wait until it has validated twice."""
    form(program, qtbot, dataset, steps)._order.click()
    wait_for_step(program, qtbot, 5)
    job = program.state.trainings.job
    assert job is not None
    return job


def wait_for_step(program: Program, qtbot: QtBot, step: int) -> None:
    def there() -> bool:
        run = program.state.trainings.run
        return run is not None and bool(run.validated) and run.validated[-1].step >= step

    qtbot.waitUntil(there, timeout=LONG_MS)


def wait_for_state(program: Program, qtbot: QtBot, *states: str) -> Job:
    def there() -> bool:
        job = program.state.trainings.job
        return job is not None and job.state in states

    qtbot.waitUntil(there, timeout=LONG_MS)
    job = program.state.trainings.job
    assert job is not None
    return job


def close(program: Program, qtbot: QtBot) -> None:
    """As a person does: it is said what the trainings do, and Enter agrees."""
    seen: list[str] = []

    def agree() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        seen.append(box.informativeText())
        QTest.keyClick(box, Qt.Key.Key_Return)

    alive = [job.request.name for job in program.state.trainings.jobs if job.alive]
    if alive:
        QTimer.singleShot(0, agree)
    program.window.close()
    assert not program.window.isVisible()
    assert not alive or ("continues without this window" in seen[0] and all(name in seen[0] for name in alive))


def press(button: str) -> None:
    """Answer the question that will be there."""

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        next(each for each in box.buttons() if each.text() == button).click()

    QTimer.singleShot(0, answer)


# ---------------------------------------------------------------------------------------------------------- the form


def test_the_form_makes_the_recipe_that_it_shows(
    start: StartProgram, qtbot: QtBot, dataset: Path, tmp_path: Path
) -> None:
    program = start()
    dialog = form(program, qtbot, dataset, steps=30)
    assert dialog.recipe.preset == "fine-tune"  # a model to start from is proposed
    config = dialog.request().config
    assert config.optimisation.steps == 30
    assert config.optimisation.crop_px == 16
    assert config.run.validate_every == 5
    assert config.network.start_from == str(program.state.model)
    assert [source.dataset for source in config.data.sources] == [str(dataset)]
    assert dialog.run.name.text() == "small-drawn" == config.run.name
    assert "training: 2" in dialog._data_facts.text()

    dialog._start.setCurrentIndex(dialog._start.count() - 1)
    dialog._start.activated.emit(dialog._start.count() - 1)
    assert dialog.recipe.preset == "strong"
    assert dialog.recipe.numbers["steps"].value() == 4500
    assert dialog.config().network.start_from == ""
    assert dialog.run.name.text() == "serr-unet-drawn"

    whole = read_dataset_file(dataset)
    for learned, said, held in ((3, "1 of training are held out", 1), (1, "Too few", None)):
        entries = [replace(e, part="training" if i < learned else "test") for i, e in enumerate(whole.entries)]
        few = write_dataset_file(tmp_path / "few.serr-dataset", replace(whole, entries=tuple(entries)))
        dialog._data.setText("")
        dialog._data.setText(str(few))
        qtbot.waitUntil(lambda: not dialog.is_looking, timeout=WAIT_MS)
        assert said in dialog._data_facts.text()
        assert dialog._order.isEnabled() == (held is not None)
        if held is not None:
            assert dialog.config().data.sources[0].validation_photos == held

    dialog._data.setText("nowhere.serr-dataset")
    assert not dialog._order.isEnabled()
    qtbot.waitUntil(lambda: "nowhere.serr-dataset" in dialog._data_facts.text(), timeout=WAIT_MS)
    assert not dialog._order.isEnabled()
    dialog._data.setText(str(dataset))
    qtbot.waitUntil(lambda: not dialog.is_looking, timeout=WAIT_MS)
    for name, usable in (("a/b", False), ("", False), ("mine", True)):
        dialog.run.name.textEdited.emit(name)  # as by a key
        dialog.run.name.setText(name)
        assert dialog._order.isEnabled() == usable
    dialog.run.name.setText("a/b")
    assert "cannot be the name of a model" in dialog._problem.text()
    dialog.reject()


def test_an_estimate_is_measured_shown_and_kept_with_the_job(start: StartProgram, qtbot: QtBot, dataset: Path) -> None:
    program = start()
    dialog = form(program, qtbot, dataset, steps=5)
    dialog._measure.click()
    qtbot.waitUntil(lambda: program.state.estimate is not None and not program.state.estimate.busy, timeout=LONG_MS)
    assert program.state.estimate is not None
    measured = program.state.estimate.estimate
    assert measured is not None, program.state.estimate.problem
    assert measured.steps == 5
    assert dialog._measured.text().startswith("About")
    assert "Memory" in dialog._measured.text()
    dialog.recipe.numbers["crop_px"].setValue(32)
    assert dialog._measured.text().startswith("For other choices")
    dialog.recipe.numbers["crop_px"].setValue(16)
    dialog._order.click()
    qtbot.waitUntil(lambda: bool(list_jobs()), timeout=LONG_MS)
    assert list_jobs()[0].request.estimate["steps"] == 5
    assert program.state.estimate is None
    wait_for_state(program, qtbot, "done")


def test_an_estimate_can_be_stopped_and_a_failed_one_says_why(
    start: StartProgram, qtbot: QtBot, dataset: Path, tmp_path: Path
) -> None:
    program = start()
    dialog = form(program, qtbot, dataset)
    dialog._measure.click()
    assert dialog._measure.text() == "Stop"
    dialog._measure.click()
    assert program.state.estimate is None
    damaged = drawn_dataset(tmp_path)
    next(tmp_path.rglob("1st_manual/01_manual1.gif")).unlink()
    next(tmp_path.rglob("1st_manual/02_manual1.gif")).unlink()
    dialog.set_data_set(damaged)
    qtbot.waitUntil(dialog._measure.isEnabled, timeout=WAIT_MS)
    dialog._measure.click()
    qtbot.waitUntil(lambda: program.state.estimate is not None and not program.state.estimate.busy, timeout=LONG_MS)
    assert "_manual1.gif" in dialog._measured.text()
    dialog.reject()


# --------------------------------------------------------------------------------------------------- a training's life


def test_from_the_form_to_a_model_that_is_used(  # noqa: PLR0915 - one life, from beginning to end
    start: StartProgram, qtbot: QtBot, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start()
    window, panel = program.window, program.window.trainings
    order(program, qtbot, dataset)
    assert panel.isVisible()
    assert panel.jobs.count() == 1
    assert "step" in panel._facts._full
    qtbot.waitUntil(lambda: panel.curves is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(panel.curves.plots[1].lines[0].getData()[0]) >= 2, timeout=LONG_MS)  # type: ignore[union-attr]
    panel.tabs.setCurrentIndex(1)
    for picture in (panel.pictures.photo, panel.pictures.label, panel.pictures.map):
        qtbot.waitUntil(lambda picture=picture: picture.has_picture, timeout=WAIT_MS)
    panel.pictures._slider.setValue(0)
    qtbot.waitUntil(lambda: "step 0:" in panel.pictures._caption.text(), timeout=WAIT_MS)
    panel.tabs.setCurrentIndex(3)
    assert "In a terminal: serr jobs show" in panel.details.toPlainText()
    assert "steps = 100000" in panel.details.toPlainText()

    # Closed in the middle, opened again: the training has gone on, and is found.
    assert program.state.trainings.run is not None
    before = program.state.trainings.run.step
    close(program, qtbot)
    program = start()
    window, panel = program.window, program.window.trainings
    wait_for_step(program, qtbot, before + 5)
    dock = window.findChild(QDockWidget, "trainings")
    assert isinstance(dock, QDockWidget)
    assert dock.isVisible()

    panel._pause.click()
    wait_for_state(program, qtbot, "paused")
    assert panel._resume.isVisible()
    assert not panel._pause.isVisible()
    assert program.state.trainings.run is not None
    step = program.state.trainings.run.step
    panel._resume.click()
    wait_for_step(program, qtbot, step + 5)
    panel._stop.click()
    job = wait_for_state(program, qtbot, "done")
    assert "is done" in program.state.notices[-1].text
    assert job.weights is not None
    panel.tabs.setCurrentIndex(2)
    assert "tiny" not in panel.log.toPlainText()
    assert ".safetensors" in panel.log.toPlainText()

    # Compared with the old model on the test photographs, then taken.
    old = program.state.model
    assert old is not None
    panel._compare.click()
    dialog = window.findChild(ModelsComparedDialog)
    assert isinstance(dialog, ModelsComparedDialog)
    qtbot.waitUntil(lambda: dialog._part.currentData() == "test", timeout=WAIT_MS)
    dialog._run.click()
    qtbot.waitUntil(lambda: dialog.table.rowCount() > 0, timeout=LONG_MS)
    compared = program.state.models_compared
    assert compared is not None
    assert compared.result is not None
    assert compared.order.old == old
    assert {test.n for test in compared.result.comparison.tests} == {3}
    remarks = [notice for notice in program.state.notices if "retina is only" in f"{notice.text}{notice.details}"]
    assert [notice.text for notice in remarks] == ["The comparison has 6 remarks about photographs."]
    assert "Mean AUC from" in dialog._status.text()
    assert "no difference can be significant" in dialog._status.text()
    assert dialog._rocs is not None
    dialog.close()
    QCoreApplication.sendPostedEvents(dialog, QEvent.Type.DeferredDelete)
    program.state.models_compared = replace(compared)  # what is gone does not listen any more

    own = tmp_path / "own models"
    monkeypatch.setenv("SERR_MODELS", str(own))
    name = window.model_prompts.add_job(job)
    assert name is not None
    name._name.setText("my eyes")
    name._notes.setPlainText("from the test")
    name.accept()
    before = program.state.model
    assert "photographs, " in answer_use(program, qtbot, "Use my eyes")
    assert program.state.model == own / "my eyes.safetensors" != before
    assert load_model("my eyes").card.notes == "from the test"
    choice = program.state.model_choice
    assert choice is not None
    assert choice.name == "my eyes"
    program.controller.models.export_model(choice.path, tmp_path / "out.safetensors")
    qtbot.waitUntil((tmp_path / "out.safetensors").exists, timeout=WAIT_MS)
    assert read_card(tmp_path / "out.safetensors").name == "my eyes"
    program.controller.models.change_model("my eyes", "our eyes", "")
    qtbot.waitUntil(lambda: program.state.model == own / "our eyes.safetensors", timeout=WAIT_MS)
    press("Remove")
    window.commands["remove_model"].trigger()
    qtbot.waitUntil(lambda: not list(own.iterdir()) and program.state.model != own / "our eyes.safetensors")

    press("Remove")
    window.training_prompts.remove_job(program.state.trainings.job)
    qtbot.waitUntil(lambda: not program.state.trainings.jobs, timeout=WAIT_MS)
    assert list_jobs() == []
    assert panel._pages.currentIndex() == 0
    assert panel._nothing.isVisible()
    assert panel.minimumSizeHint().width() < 260, "the sentence is seen whole in a narrow panel"


def test_a_killed_training_is_told_and_goes_on(start: StartProgram, qtbot: QtBot, dataset: Path) -> None:
    program = start()
    job = order(program, qtbot, dataset)
    kill(job)
    wait_for_state(program, qtbot, "interrupted")
    assert "ended from outside" in program.state.notices[-1].text
    panel = program.window.trainings
    assert panel._resume.isVisible()
    assert program.state.trainings.run is not None
    step = program.state.trainings.run.validated[-1].step
    panel._resume.click()
    wait_for_step(program, qtbot, step + 5)
    press("End by force")
    panel._more["force"].trigger()
    wait_for_state(program, qtbot, "interrupted", "paused")


def test_a_failed_training_is_told_with_its_sentence(start: StartProgram, qtbot: QtBot, tmp_path: Path) -> None:
    program = start()
    dataset = drawn_dataset(tmp_path)
    dialog = form(program, qtbot, dataset)
    next(tmp_path.rglob("1st_manual/01_manual1.gif")).unlink()
    next(tmp_path.rglob("1st_manual/02_manual1.gif")).unlink()
    dialog._order.click()
    wait_for_state(program, qtbot, "failed")
    qtbot.waitUntil(lambda: bool(program.state.notices), timeout=WAIT_MS)
    assert "_manual1.gif" in program.state.notices[-1].text
    assert "_manual1.gif" in program.window.trainings._sentence.text()
    program.window.trainings.tabs.setCurrentIndex(2)
    assert "_manual1.gif" in program.window.trainings.log.toPlainText()


def test_name_and_notes_of_a_training_can_be_changed(start: StartProgram, qtbot: QtBot, job_store: Path) -> None:
    job = create_job(JobRequest("first"), "")
    write_status(job.folder, JobStatus(state="paused", start_id="x"))
    program = start()
    qtbot.waitUntil(lambda: program.state.trainings.job is not None, timeout=WAIT_MS)
    program.controller.training.describe(job, "better name", "two\nlines")
    qtbot.waitUntil(lambda: "better name" in program.window.trainings.title._full, timeout=WAIT_MS)
    assert read_job(job.folder).request.notes == "two\nlines"


def test_a_training_that_holds_out_nothing_says_what_its_figures_are_worth(start: StartProgram, qtbot: QtBot) -> None:
    job = create_job(JobRequest("all of them"), "")
    write_status(job.folder, JobStatus(state="paused", start_id="x"))
    job.run.mkdir()
    log = EventLog(job.run / EVENTS_FILE)
    log.write("started", step=0, steps=10, validate_every=5, device="cpu", training=["a", "b"], validation=[])
    program = start()
    qtbot.waitUntil(lambda: program.state.trainings.run is not None, timeout=WAIT_MS)
    panel = program.window.trainings
    program.window.show_trainings()
    assert "none is held out" in panel._facts._full
    panel.tabs.setCurrentIndex(3)
    assert "2 to learn from, none held out" in panel.details.toPlainText()


def test_several_graphics_processors_are_offered_where_there_are_some(
    start: StartProgram, qtbot: QtBot, dataset: Path
) -> None:
    program = start()
    dialog = form(program, qtbot, dataset)
    assert not dialog.run.count.isVisible()
    dialog.reject()
    graphics = [DeviceChoice(f"cuda:{number}", f"GPU {number}") for number in range(3)]
    program.state.devices = (*program.state.devices, *graphics)
    dialog = form(program, qtbot, dataset)
    assert dialog.run.count.isVisible()
    assert dialog.run.count.maximum() == 3
    dialog.run.device.setCurrentIndex(dialog.run.device.findData("auto"))
    dialog.run.count.setValue(2)
    dialog.recipe.numbers["batch"].setValue(3)
    assert "must be a multiple of 2" in dialog._problem.text()
    assert not dialog._order.isEnabled()
    dialog.recipe.numbers["batch"].setValue(4)
    assert dialog._order.isEnabled()
    assert dialog.request().count == 2
    dialog.reject()


def test_a_training_is_sent_to_a_slurm_cluster(
    start: StartProgram, qtbot: QtBot, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cluster's commands are two scripts: one that takes the job, and one that says that it waits."""
    for name, said in (("sbatch", "Submitted batch job 7"), ("squeue", "PENDING"), ("srun", ""), ("scancel", "")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {said}\n")
        (tmp_path / name).chmod(0o755)
    program = start()
    dialog = form(program, qtbot, dataset)
    assert dialog.run.device.findData("slurm") == -1
    dialog.reject()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    dialog = form(program, qtbot, dataset)
    assert not dialog.run.slurm.isVisible()
    dialog.run.device.setCurrentIndex(dialog.run.device.findData("slurm"))
    dialog.run.slurm.setText("partition")
    assert dialog.run.slurm.isVisible()
    assert not dialog._measure.isEnabled()
    dialog.run.slurm.setText("partition gpu")
    assert "is not an option of sbatch" in dialog._problem.text()
    dialog.run.slurm.setText("partition=gpu")
    dialog._order.click()
    job = wait_for_state(program, qtbot, "queued")
    assert (job.request.engine, job.request.slurm) == ("slurm", "partition=gpu")
    panel = program.window.trainings
    qtbot.waitUntil(lambda: "waits in the cluster's queue" in panel.jobs.item(0).text(), timeout=WAIT_MS)
    panel._pause.click()
    assert wait_for_state(program, qtbot, "paused").status.sentence.startswith("Taken out of the cluster's queue")


def test_a_training_that_prepares_says_so(start: StartProgram, qtbot: QtBot) -> None:
    """In the list, in the title and with a bar that has no end yet, also where it is resumed."""
    job = create_job(JobRequest("mine"), "")
    lock = try_lock(job.folder / "lock")
    assert lock is not None
    job.run.mkdir()
    (job.run / EVENTS_FILE).write_text(json.dumps({"event": "started", "step": 0, "steps": 50, "batch": 1}) + "\n")
    program = start()
    panel = program.window.trainings
    for stage, words in (("Reading photographs", "preparing"), ("Training", "running")):
        write_status(job.folder, JobStatus(state="running", start_id="x", device="cpu", stage=stage))
        qtbot.waitUntil(lambda words=words: words in panel.jobs.item(0).text(), timeout=WAIT_MS)  # type: ignore[misc]
        qtbot.waitUntil(lambda words=words: words in panel.title.full_text(), timeout=WAIT_MS)  # type: ignore[misc]
        assert ("Reading photographs" in panel._facts.full_text()) == (words == "preparing")
        assert (panel.bar.value(), panel.bar.maximum()) == (0, 1000), "empty, and not full, before anything is known"
    lock.release()


# ------------------------------------------------------------------------------------------------------- a long run


def test_the_memory_of_the_window_does_not_grow_over_a_job_of_a_thousand_events(
    start: StartProgram, qtbot: QtBot
) -> None:
    """A job's folder that is written as a training writes it, and watched by the window in each of its tabs."""
    job = create_job(JobRequest("long"), "steps = 10000\n" * 200)
    lock = try_lock(job.folder / "lock")
    assert lock is not None
    write_status(job.folder, JobStatus(state="running", start_id="x", device="cpu"))
    pictures = job.run / "pictures"
    pictures.mkdir(parents=True)
    random = np.random.default_rng(0)

    def picture(name: str) -> str:
        values = random.integers(0, 255, (384, 384), np.uint8)
        cv2.imwrite(str(pictures / f"{name}.png"), values)
        return f"pictures/{name}.png"

    log = EventLog(job.run / EVENTS_FILE)
    log.write("started", step=0, steps=10_000, validate_every=10, device="cpu")
    log.write("pictured", step=0, photo=picture("photo"), label=picture("label"))
    program = start()
    program.window.show_trainings()
    process = psutil.Process()
    written = 0

    def go_on(events: int) -> None:
        nonlocal written
        for _ in range(events // 2):
            written += 10
            figures = {"loss": 0.3, "auc_roc": 0.9, "auc_pr": 0.85, "f1": 0.8}
            common = {"training_loss": 0.4, "learning_rate": 1e-3, "seconds_per_step": 0.5}
            lines = [
                {"event": "learned", "step": written, "images_per_second": 8.0, **common},
                {
                    "event": "validated",
                    "step": written,
                    "seconds": 1.0,
                    "picture": picture(f"step-{written:07d}"),
                    "validation": figures,
                    **common,
                },
            ]
            with (job.run / EVENTS_FILE).open("a") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
        with (job.folder / "log.txt").open("a") as file:
            file.write(f"Training, step {written}\n" * events)
        for page in range(4):
            program.window.trainings.tabs.setCurrentIndex(page)
            program.controller.training._poller.look()
            qtbot.waitUntil(lambda: program.state.trainings.run is not None, timeout=WAIT_MS)
            wait_for_step(program, qtbot, written)
            program.window.grab()

    def measured() -> tuple[float, Counter[str]]:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # what is over, but still to be deleted
        gc.collect()
        kinds = Counter(type(each).__name__ for each in program.window.findChildren(QObject))
        return process.memory_info().rss / 1e6, kinds

    for _ in range(10):
        go_on(20)
    before = measured()
    for _ in range(40):
        go_on(20)
    after = measured()
    assert written == 5000
    assert program.state.trainings.run is not None
    assert len(program.state.trainings.run.validated) == 500 <= LIMIT
    assert after[1] == before[1], f"made again: {after[1] - before[1]}"
    assert after[0] - before[0] < 15, f"{before[0]:.1f} MB before, {after[0]:.1f} MB after 800 more events"
    lock.release()
    write_status(job.folder, replace(read_job(job.folder).status, state="paused"))

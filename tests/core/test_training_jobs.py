"""Jobs: real processes that are paused, stopped, killed, queued, starved of room, and continue."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from bad_outputs import small_disk

from core.errors import DeviceError, OutputError, SerrError, TrainingError
from core.files import TEMPORARY_PREFIX
from core.jobs.process import pause_job, start_job, stop_job
from core.jobs.records import JobRequest, JobStatus
from core.jobs.store import (
    change_order,
    create_job,
    find_job,
    list_jobs,
    read_job,
    read_log,
    remove_job,
    write_status,
)
from core.jobs.submit import devices_for
from core.jobs.worker import sentence_for, work
from core.locks import is_held, try_lock
from core.models.catalogue import load_model
from core.progress import Cancelled, Progress
from core.training.config import to_toml
from core.training.run_view import follow_run
from tests.job_runs import drawn_dataset, kill, recipe, start, until, wait_for, wait_for_step

pytestmark = pytest.mark.usefixtures("job_store")


# --------------------------------------------------------------------------------------------------------- the folder


def test_jobs_are_listed_found_renamed_and_removed(job_store: Path) -> None:
    assert list_jobs() == []
    one = create_job(JobRequest("first", data="drive"), "a = 1")
    two = create_job(JobRequest("second", devices=("cuda:0", "cuda:1")), "")
    assert [job.request.name for job in list_jobs()] == ["first", "second"]
    assert two.request.devices == ("cuda:0", "cuda:1")
    assert (one.state, one.alive) == ("starting", True)
    assert find_job("second") == two
    assert find_job(two.id) == two
    twin = create_job(JobRequest("second"), "")
    with pytest.raises(TrainingError, match="Several jobs"):
        find_job("second")
    shutil.rmtree(twin.folder)
    for part in ("", " ", one.id[:8], one.id[:-1], "sec", "*"):
        with pytest.raises(TrainingError, match=r"the whole id|no training job"):
            find_job(part)
    with pytest.raises(TrainingError, match='no training job "third"'):
        find_job("third")
    renamed = change_order(one, name="better", notes="for the clinic")
    assert (renamed.request.name, renamed.request.notes, renamed.request.data) == ("better", "for the clinic", "drive")
    (two.folder / "status.json").write_text(json.dumps({"state": "paused"}))
    remove_job(two)
    assert [job.request.name for job in list_jobs()] == ["better"]


def test_damaged_jobs_are_named_and_foreign_folders_left_out(job_store: Path) -> None:
    job = create_job(JobRequest("mine"), "")
    (job_store / "foreign").mkdir()
    (job_store / "half").mkdir()
    (job_store / "half" / "job.json").write_text('{"serr_job": 1, "name"')
    (job_store / "newer").mkdir()
    (job_store / "newer" / "job.json").write_text('{"serr_job": 2, "name": "x", "devices": []}')
    assert [(each.id, each.state) for each in list_jobs()] == [
        *((job.id, "starting"), ("half", "damaged"), ("newer", "damaged")),
    ]
    for name, words in (("half", "damaged"), ("newer", "newer version"), ("gone", "no longer exists")):
        with pytest.raises(TrainingError, match=words):
            read_job(job_store / name)
    (job.folder / "status.json").write_text('{"state": "done", "unknown": 1}')
    assert read_job(job.folder).state == "done"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SERR_JOBS", str(tmp_path / "file" / "jobs"))
    with pytest.raises(OutputError, match="not a folder"):
        create_job(JobRequest("x"), "")
    assert list_jobs() == []


def test_a_lock_is_held_by_one_and_freed_by_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    lock = try_lock(path)
    assert lock is not None
    assert is_held(path)
    assert try_lock(path) is None
    lock.release()
    assert not is_held(path)
    program = (
        "import sys, time; from pathlib import Path; from core.locks import try_lock;"
        "lock = try_lock(Path(sys.argv[1])); print('held', flush=True); time.sleep(600)"
    )
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, env=environ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert is_held(path)
        other.kill()
        other.wait()
    assert not is_held(path)


def test_devices_that_are_not_there_are_told() -> None:
    assert devices_for("cpu", 1) == ("cpu",)
    with pytest.raises(DeviceError, match="There are not 2 graphics processors"):
        devices_for("cpu", 2)
    with pytest.raises(DeviceError, match="cuda:99"):
        devices_for("cuda:99", 1)


# ------------------------------------------------------------------------------------------------- the life of a job


def test_a_job_is_paused_killed_resumed_and_stopped(tmp_path: Path, dataset: Path) -> None:
    job = start(tmp_path, dataset, notes="a note")
    assert job.state in {"queued", "running"}
    with pytest.raises(TrainingError, match="running already"):
        start_job(job)
    with pytest.raises(TrainingError, match="still running"):
        remove_job(job)
    wait_for_step(job, 5)
    assert pause_job(job).command == "pause"
    paused = wait_for(job, "paused", "failed")
    assert paused.state == "paused"
    assert paused.command is None
    step = follow_run(job.run).step
    with pytest.raises(TrainingError, match="does not run"):
        pause_job(job)

    start_job(job)
    wait_for_step(job, step + 5)
    kill(job)
    killed = read_job(job.folder)
    assert killed.state == "interrupted"
    before = follow_run(job.run).validated[-1].step
    # What it has learned until then can be had, here in a copy, so that the job itself can be resumed.
    twin = stop_job(read_job(shutil.copytree(job.folder, job.folder.with_name("twin"))))
    assert twin.state == "done"
    assert twin.weights is not None
    assert load_model(twin.weights).card.name == "tiny"
    remove_job(twin)

    start_job(job)
    wait_for_step(job, before + 5)
    assert stop_job(job).command == "stop"
    done = wait_for(job, "done", "failed")
    assert (done.state, done.status.sentence) == ("done", "Stopped with the best weights so far.")
    assert done.weights is not None
    view = follow_run(job.run)
    assert view.finished == done.weights.name == "tiny.safetensors"
    assert view.best is not None
    assert load_model(done.weights).card.scores[0]["auc_roc"] == view.best.auc_roc
    steps = [point.step for point in view.validated]
    assert steps == sorted(set(steps))
    with pytest.raises(TrainingError, match="done already"):
        stop_job(job)
    remove_job(done)
    assert list_jobs() == []


def test_a_job_outlives_who_started_it_and_steps_back_behind_other_programs(
    tmp_path: Path, dataset: Path, job_store: Path
) -> None:
    recipe(tmp_path, dataset)
    program = (
        "import os, signal, sys; from pathlib import Path; from core.jobs.submit import submit_job;"
        "from core.jobs.requests import TrainingRequest;"
        "from core.training.config import load_config; from tests.job_runs import wait_for_step;"
        "job = submit_job(TrainingRequest(load_config(Path(sys.argv[1])), device='cpu'));"
        "print(job.folder, flush=True);"
        "os.killpg(0, signal.SIGKILL)"
    )
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "SERR_JOB_NICE": "7"}
    starter = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "recipe.toml")],
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
        start_new_session=True,
    )
    out, _ = starter.communicate()
    assert starter.returncode == -signal.SIGKILL
    (job,) = list_jobs()
    assert str(job.folder) == out.strip()
    assert psutil.Process(job.status.pid).nice() == max(7, psutil.Process().nice())
    wait_for_step(job, 5)
    stop_job(job)
    assert wait_for(job, "done", "failed").state == "done"


def test_jobs_on_one_device_run_one_after_the_other(tmp_path: Path, dataset: Path) -> None:
    first = start(tmp_path, dataset, steps=20, name="first")
    second = start(tmp_path, dataset, steps=5, name="second")
    third = start(tmp_path, dataset, steps=5, name="third")
    seen: list[list[str]] = []

    def last_runs() -> bool:
        seen.append([read_job(job.folder).state for job in (first, second, third)])
        return seen[-1][2] not in {"starting", "queued"}

    until(last_runs, "the last one runs")
    assert seen[-1][:2] == ["done"] * 2
    assert all(states.count("running") <= 1 for states in seen)
    kill(third)
    ended = [read_job(job.folder).status.changed for job in (first, second, third)]
    assert ended == sorted(ended)


def test_a_queued_job_can_be_paused_stopped_and_overtaken(tmp_path: Path, dataset: Path) -> None:
    first = start(tmp_path, dataset, name="first")
    wait_for(first, "running")
    second, third = start(tmp_path, dataset, name="second"), start(tmp_path, dataset, name="third")
    assert [read_job(job.folder).state for job in (second, third)] == ["queued", "queued"]
    stop_job(second)
    stopped = wait_for(second, "paused", "failed", "done")
    assert "before the first training step" in stopped.status.sentence
    kill(first)  # whoever holds a device gives it back by dying
    wait_for(third, "running")
    start_job(second)
    pause_job(third)
    wait_for(second, "running")


def test_a_process_that_cannot_start_is_told_with_its_last_words(tmp_path: Path, dataset: Path) -> None:
    job = create_job(JobRequest("x"), "steps = [")
    lock = try_lock(job.folder / "lock")
    assert lock is not None
    with pytest.raises(TrainingError, match="running already"):
        start_job(job)
    lock.release()
    failed = wait_for(start_job(job), "failed")
    assert "is not a TOML file" in failed.status.sentence
    assert "is not a TOML file" in read_log(failed, 1000)


@pytest.mark.parametrize(
    ("recipe_toml", "state"),
    [("steps = [", "failed"), ("{order}", "failed"), ("{whole}", "done"), ("{whole}", "paused")],
    ids=["no recipe", "no photographs", "done", "paused"],
)
def test_the_log_has_the_reason_before_the_state_tells_the_end(
    tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch, recipe_toml: str, state: str
) -> None:
    whole = to_toml(recipe(tmp_path, dataset, steps=2))
    order = whole.replace(dataset.as_posix(), (tmp_path / "gone.serr-dataset").as_posix())
    job = create_job(JobRequest("x"), recipe_toml.format(whole=whole, order=order))
    said: list[str] = []
    told: list[str] = []

    class Listener:
        def step(self, progress: Progress) -> None:
            if state == "paused":
                raise Cancelled

        def note(self, message: str) -> None:
            said.append(message)

    def write_and_look(folder: Path, status: JobStatus) -> None:
        write_status(folder, status)
        if status.state == state:
            told.extend(said)

    monkeypatch.setattr("core.jobs.worker.write_status", write_and_look)
    assert work(job.folder, Listener()) == state
    ended = read_job(job.folder)
    assert ended.state == state
    assert any(ended.status.sentence in words for words in told)
    assert told[-1]


def test_a_job_says_that_it_prepares_until_it_learns(tmp_path: Path, dataset: Path) -> None:
    """The first of its photographs is read, and later a step is learned."""
    job = create_job(JobRequest("x"), to_toml(recipe(tmp_path, dataset, steps=3)))
    seen: list[tuple[str, bool, str]] = []

    class Listener:
        def step(self, progress: Progress) -> None:
            now = read_job(job.folder)
            seen.append((progress.stage, now.preparing, now.status.stage))

        def note(self, message: str) -> None:
            pass

    assert work(job.folder, Listener()) == "done"
    reading = [preparing for stage, preparing, _ in seen if stage == "Reading photographs"]
    assert reading
    assert all(reading)
    learning = [(preparing, stage) for at, preparing, stage in seen if at.startswith("Training")]
    assert not any(preparing for preparing, _ in learning[1:])
    assert learning[-1][1].startswith("Training")
    assert not read_job(job.folder).preparing


# -------------------------------------------------------------------------------------------------- what goes wrong


def test_a_full_disk_ends_a_job_with_a_sentence_and_keeps_its_last_checkpoint(
    tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path, 8 << 20) as disk:
        monkeypatch.setenv("SERR_JOBS", str(disk.folder / "jobs"))
        job = start(tmp_path, dataset)
        wait_for_step(job, 5)
        if disk.mounted:
            with disk.full():  # while it runs
                failed = wait_for(job, "failed", "paused", "interrupted")
        else:
            pause_job(job)
            wait_for(job, "paused")
            with disk.full():
                start_job(job)
                failed = wait_for(job, "failed", "interrupted")
        assert failed.state == "failed"
        assert "there is no room left on the disk" in failed.status.sentence
        assert not list(job.folder.rglob(f"{TEMPORARY_PREFIX}*"))
        before = follow_run(job.run).validated[-1].step
        start_job(job)
        wait_for_step(job, before + 5)
        stop_job(job)
        assert wait_for(job, "done", "failed").state == "done"


def test_a_folder_that_vanishes_ends_the_job_with_a_sentence(tmp_path: Path, dataset: Path) -> None:
    job = start(tmp_path, dataset)
    wait_for_step(job, 5)
    job.run.rename(tmp_path / "away")
    failed = wait_for(job, "failed")
    assert "does not exist" in failed.status.sentence
    (tmp_path / "away").rename(job.run)
    pid = start_job(job).status.pid
    job.folder.rename(tmp_path / "all away")
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", "the process ends")
    assert list_jobs() == []


def test_photographs_that_vanish_stop_a_resume_and_keep_the_checkpoint(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    dataset = drawn_dataset(data)
    job = start(tmp_path, dataset)
    wait_for_step(job, 5)
    pause_job(job)
    wait_for(job, "paused")
    data.rename(tmp_path / "unplugged")
    failed = wait_for(start_job(job), "failed")
    assert "drawn.serr-dataset" in failed.status.sentence
    done = stop_job(failed)  # its best weights can be had all the same
    assert done.weights is not None


@pytest.mark.parametrize("act", [lambda: np.empty(1 << 50), lambda: torch.empty(1 << 55)], ids=["numpy", "torch"])
def test_no_memory_is_a_sentence(act: object) -> None:
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        act()  # type: ignore[operator]
    assert "not enough memory" in sentence_for(caught.value)
    assert sentence_for(SerrError("a sentence")) == "a sentence"
    assert "KeyError" in sentence_for(KeyError("x"))


def test_a_job_in_several_processes_is_paused_resumed_and_stopped(tmp_path: Path, dataset: Path) -> None:
    """Two processes on the processor, in the place of two graphics processors."""
    config = recipe(tmp_path, dataset).replaced("optimisation", batch=2)
    order = JobRequest("both", root=str(tmp_path), devices=("cpu:0", "cpu:1"), count=2)
    job = start_job(create_job(order, to_toml(config)))
    wait_for_step(job, 5)
    assert read_job(job.folder).status.device == "cpu:0, cpu:1"
    pause_job(job)
    assert wait_for(job, "paused", "failed").status.sentence == "Paused. You can resume it."
    step = follow_run(job.run).step
    start_job(job)
    wait_for_step(job, step + 5)
    stop_job(job)
    done = wait_for(job, "done", "failed", "paused")
    assert (done.state, done.status.sentence) == ("done", "Stopped with the best weights so far.")
    assert done.weights is not None
    assert load_model(done.weights).card.name == "tiny"


def test_a_failure_in_one_of_several_processes_is_told_in_its_words(tmp_path: Path, dataset: Path) -> None:
    config = recipe(tmp_path, dataset).replaced("optimisation", batch=3)
    order = JobRequest("both", root=str(tmp_path), devices=("cpu:0", "cpu:1"), count=2)
    failed = wait_for(start_job(create_job(order, to_toml(config))), "failed", "paused")
    assert "a batch of 3 crops cannot be divided among 2 processes" in failed.status.sentence

"""Jobs and runs whose files somebody else wrote, or that two want at once: named, left alone, and no other suffers."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core.cli.app import run as serr
from core.errors import TrainingError
from core.jobs.kinds import KINDS
from core.jobs.local import child_environment
from core.jobs.process import end_by_force, pause_job, start_job, stop_job
from core.jobs.records import JobRequest, JobStatus
from core.jobs.store import Job, change_order, create_job, find_job, list_jobs, read_job, remove_job
from core.jobs.store import write_status as say
from core.jobs.worker import work
from core.locks import try_lock
from core.progress import SILENT, Monitor
from core.resources import command_line
from core.training.checkpoint import load_checkpoint
from core.training.events import EventLog, read_events
from core.training.loop import train
from core.training.run_lock import run_locked
from core.training.run_view import follow_run
from tests.job_runs import recipe

pytestmark = pytest.mark.usefixtures("job_store")

ORDER = {"serr_job": 1, "name": "mine", "devices": ["cpu"], "count": 1}
STATUS = {"state": "paused", "start_id": "a", "pid": 1, "pid_started": 0.0}
DEEP = "[" * 2000 + "]" * 2000


def changed(values: dict[str, object], **changes: object) -> bytes:
    return json.dumps(values | changes).encode()


DAMAGED: dict[str, tuple[str, bytes]] = {
    "deep order": ("job.json", changed(ORDER)[:-1] + f', "z": {DEEP}}}'.encode()),
    "very deep order": ("job.json", b"[" * 100_000),
    "order of NUL": ("job.json", bytes(100)),
    "empty order": ("job.json", b""),
    "no mapping": ("job.json", b"[]"),
    "no name": ("job.json", changed({key: value for key, value in ORDER.items() if key != "name"})),
    "number as name": ("job.json", changed(ORDER, name=5)),
    "half a character as name": ("job.json", changed(ORDER, name="\ud800")),
    "text as devices": ("job.json", changed(ORDER, devices=5)),
    "no devices": ("job.json", changed(ORDER, devices=[])),
    "more than there are": ("job.json", changed(ORDER, count=10**18)),
    "version of text": ("job.json", changed(ORDER, serr_job="x")),
    "version as truth": ("job.json", changed(ORDER, serr_job=True)),
    "list as root": ("job.json", changed(ORDER, root=[])),
    "no process number": ("status.json", changed(STATUS, pid=None)),
    "infinite process number": ("status.json", changed(STATUS, pid="@").replace(b'"@"', b"1e999")),
    "process number of 5000 digits": ("status.json", changed(STATUS, pid="@").replace(b'"@"', b"9" * 5000)),
    "start that is not a number": ("status.json", changed(STATUS, pid_started="@").replace(b'"@"', b"NaN")),
    "unknown state": ("status.json", changed(STATUS, state="flying")),
    "list as state": ("status.json", changed(STATUS, state=[])),
    "deep status": ("status.json", b'{"state":' * 100_000),
    "half a status": ("status.json", changed(STATUS)[:20]),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_job_is_named_and_only_it_suffers(
    job_store: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    before, bad, after = (create_job(JobRequest(word), "") for word in ("before", "bad", "after"))
    for job in (before, bad, after):
        say(job.folder, JobStatus(state="paused", start_id="a"))
    file, data = DAMAGED[name]
    (bad.folder / file).write_bytes(data)
    states = {job.id: job.state for job in list_jobs()}
    assert states == {before.id: "paused", bad.id: "damaged", after.id: "paused"}
    assert serr(["jobs"]) == 0
    listed = capsys.readouterr().out
    assert f"{bad.id}  damaged" in listed
    assert file in listed
    assert serr(["jobs", "show", bad.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "damaged"
    for act in ("pause", "stop", "resume"):
        assert serr(["jobs", act, bad.id]) == 1
        (sentence,) = capsys.readouterr().err.splitlines()
        assert file in sentence
        assert "jobs remove" in sentence
    found = find_job(bad.id)
    for do in (pause_job, stop_job, start_job, lambda job: change_order(job, name="x")):
        with pytest.raises(TrainingError, match="damaged"):
            do(found)
    assert serr(["jobs", "remove", bad.id]) == 0
    assert not bad.folder.exists()
    assert [job.request.name for job in list_jobs()] == ["before", "after"]


def test_only_a_whole_name_removes_a_job(job_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = create_job(JobRequest("only one"), "")
    say(job.folder, JobStatus(state="done", start_id="a"))
    for name in ("", " ", job.id[:-1], "only", "*", "."):
        assert serr(["jobs", "remove", name]) == 1, name
        assert job.folder.is_dir()
    capsys.readouterr()
    assert serr(["jobs", "remove", "only one"]) == 0
    assert list(job_store.iterdir()) == []


def test_a_job_whose_process_begins_is_not_removed(job_store: Path) -> None:
    """Its process holds the lock before it says a word."""
    job = create_job(JobRequest("x"), "")
    say(job.folder, JobStatus(state="paused", start_id="a"))
    lock = try_lock(job.folder / "lock")
    assert lock is not None
    for found in (read_job(job.folder), find_job("x")):
        with pytest.raises(TrainingError, match="still running"):
            remove_job(found)
    lock.release()
    remove_job(job)
    with pytest.raises(TrainingError, match="no longer exists"):
        start_job(job)
    assert list_jobs() == []


@pytest.mark.parametrize(
    "name", ["../../secret.safetensors", "/etc/passwd", "..", ".", "sub/x.safetensors", "a\\..\\b"]
)
def test_weights_outside_of_the_run_are_not_taken(job_store: Path, name: str) -> None:
    job = create_job(JobRequest("x"), "")
    (job.run / "sub").mkdir(parents=True)
    (job.run / "sub" / "x.safetensors").write_bytes(b"x")
    (job_store / "secret.safetensors").write_bytes(b"x")
    say(job.folder, JobStatus(state="done", start_id="a", weights=name))
    assert read_job(job.folder).weights is None


# ------------------------------------------------------------------------------------------------------ logs and states

BAD_LINES = [
    b"[" * 10_000,
    b'{"event":"learned","step":null}',
    b'{"event":"learned","step":"x"}',
    b'{"event":"learned"}',
    b'{"event":["learned"],"step":1}',
    b'{"event":"validated","step":1,"validation":[]}',
    b'{"event":"started","step":1,"training":5}',
    b'{"event":"learned","step":1e999}',
    b'{"event":"learned","step":' + b"9" * 5000 + b"}",
    b'{"event":"pictured","step":1,"photo":"\\ud800","label":""}',
    b"\xff\xfe\x00",
    b"null",
    b'{"event":"learned","step":3,"trai',
]
GOOD = {"training_loss": 0.5, "learning_rate": 0.1, "seconds_per_step": 0.1, "images_per_second": 9.0}


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: repr(line[:40]))
def test_a_damaged_line_of_a_log_costs_only_itself(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "events.jsonl"
    lines = [json.dumps({"event": "learned", "step": step, **GOOD}).encode() for step in (1, 2)]
    path.write_bytes(b"\n".join([lines[0], line, lines[1], b""]))
    view = follow_run(tmp_path)
    assert [point.step for point in view.learned] == [1, 2]
    assert view.damaged_lines == 1
    EventLog(path).cut_after(1)
    assert [event["step"] for event in read_events(path) if event.get("training_loss")] == [1]


def test_a_log_that_is_no_file_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "events.jsonl")
    assert follow_run(tmp_path).steps == 0
    with pytest.raises(TrainingError, match="regular file"):
        read_events(tmp_path / "events.jsonl")


def with_facts(path: Path, change: Callable[[str], str]) -> None:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        text = file.metadata()["serr_checkpoint"]
    save_file(load_file(path), path, metadata={"serr_checkpoint": change(text)})


BAD_FACTS: list[tuple[Callable[[str], str], str]] = [
    (lambda _: "[" * 10_000, "nested"),
    (lambda _: "[]", "not a mapping"),
    (lambda text: text.replace('"step": 5', '"step": 1e999'), "not finite"),
    (lambda text: text.replace('"step": 5', '"step": -7'), "does not fit"),
    (lambda text: text.replace('"step": 5', '"step": 50000000'), "does not fit"),
    (lambda text: text.replace('"step": 5', '"step": null'), "does not fit"),
    *(
        (lambda text, bad=bad: text.replace('"losses": []', f'"losses": [{bad}]'), "does not fit")
        for bad in ('"x"', "NaN", "true", "null")
    ),
    (lambda text: text.replace('"best": {', '"best": {"x": 1, '), "does not fit"),
    (lambda text: text.replace('"level": ', '"level": 1000'), "does not fit"),
    (lambda text: text.replace('"sources": {', '"sources": [], "y": {'), "does not fit"),
]


def test_facts_of_a_checkpoint_that_cannot_be_are_told(tmp_path: Path, dataset: Path) -> None:
    config, run = recipe(tmp_path, dataset, steps=5), tmp_path / "run"
    train(config, tmp_path, run, device="cpu")
    kept = run / "checkpoint.safetensors"
    sound = kept.read_bytes()
    assert load_checkpoint(kept).facts["step"] == 5
    for change, words in BAD_FACTS:
        kept.write_bytes(sound)
        with_facts(kept, change)
        with pytest.raises(TrainingError, match=words):
            train(config, tmp_path, run, resume=True, device="cpu")


def test_weights_of_a_checkpoint_that_do_not_fit_are_told(tmp_path: Path, dataset: Path) -> None:
    """The best weights are needed at the end only, and the moments at the next step: both are checked before."""
    config, run = recipe(tmp_path, dataset, steps=5), tmp_path / "run"
    train(config, tmp_path, run, device="cpu")
    kept = run / "checkpoint.safetensors"
    facts = json.dumps(load_checkpoint(kept).facts)
    tensors = load_file(kept)
    best = next(name for name in tensors if name.startswith("best.") and tensors[name].ndim)
    moment = next(name for name in tensors if name.endswith(".exp_avg"))
    assert {"network" + best[4:], "mean.module" + best[4:]} <= tensors.keys()
    changes: list[dict[str, object]] = [
        {best: None},
        {best: tensors[best][:-1].copy()},
        {moment: None},
        {moment: tensors[moment][..., :-1].copy()},
        {"best.another": tensors[best]},
        {"optimiser.999.exp_avg": tensors[moment]},
        {"optimiser.x.exp_avg": tensors[moment]},
        {"optimiser.0.another": tensors[moment]},
        {best: tensors[best].astype(np.float64)},
        *({name: np.full_like(tensors[name], np.nan)} for name in (best, moment, "network" + best[4:])),
        {"mean.module" + best[4:]: np.full_like(tensors[best], np.inf)},
    ]
    for change in changes:
        changed = {name: tensor for name, tensor in (tensors | change).items() if tensor is not None}
        save_file(changed, kept, metadata={"serr_checkpoint": facts})
        with pytest.raises(TrainingError, match="does not fit"):
            train(config, tmp_path, run, resume=True, device="cpu")


# -------------------------------------------------------------------------------------------- two who want the same run


def _hold(run: Path, held: "multiprocessing.synchronize.Event") -> None:
    with run_locked(run):
        held.set()
        multiprocessing.Event().wait()


def test_a_second_training_in_a_folder_is_refused_and_a_killed_one_leaves_no_lock(
    tmp_path: Path, dataset: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    other = context.Process(target=_hold, args=(run, held))
    other.start()
    assert held.wait(120)
    config = recipe(tmp_path, dataset, steps=5)
    for resume in (False, True):
        with pytest.raises(TrainingError, match=f"already.*process {other.pid}, started 20"):
            train(config, tmp_path, run, resume=resume, device="cpu")
    assert not (run / "config.toml").exists()
    other.kill()
    other.join()
    assert (run / "running.json").is_file()
    assert train(config, tmp_path, run, device="cpu").weights.is_file()
    assert not (run / "running.json").exists()


# ------------------------------------------------------------------------------------------- modules of the folder


@pytest.mark.parametrize("planted", ["torch.py", "core/__init__.py", "json.py", "sitecustomize.py"])
def test_a_child_imports_nothing_from_the_folder_where_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    (tmp_path / planted).parent.mkdir(exist_ok=True)
    (tmp_path / planted).write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", *sys.path[1:], ""]))
    ran = subprocess.run(
        [*command_line(), "models", "--json"],
        cwd=tmp_path,
        env=child_environment() | {"SERR_MODELS": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    assert json.loads(ran.stdout)
    assert not (tmp_path / "ran").exists()
    program = f"import runpy, sys; sys.argv = ['x']; import {planted.partition('.')[0].partition('/')[0]}"
    if planted != "sitecustomize.py":  # nor do the children of a child
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=child_environment(), check=True)
        assert not (tmp_path / "ran").exists()


def test_a_kind_and_an_engine_of_a_newer_version_are_named(tmp_path: Path) -> None:
    elsewhere = create_job(JobRequest("elsewhere", engine="cluster"), "")
    for ask in (start_job, end_by_force):
        with pytest.raises(TrainingError, match=r'runs on "cluster".* update'):
            ask(elsewhere)
    shutil.rmtree(elsewhere.folder)
    other = create_job(JobRequest("other", kind="measuring"), "")
    assert work(other.folder, SILENT) == "failed"
    assert 'of the kind "measuring"' in read_job(other.folder).status.sentence


def test_another_kind_of_work_is_a_job_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    class Drawing:
        def run(self, job: Job, devices: Sequence[str], monitor: Monitor) -> Path:
            job.run.mkdir()
            result = job.run / "drawn.png"
            result.write_bytes(b"png")
            return result

        def kept(self, job: Job) -> Path | None:
            return None

        def remark(self, job: Job, result: Path) -> str:
            return f"It drew {result.name} on the {job.request.devices[0]}."

    monkeypatch.setitem(KINDS, "drawing", Drawing())  # type: ignore[arg-type]
    job = create_job(JobRequest("picture", kind="drawing"), "")
    assert work(job.folder, SILENT) == "done"
    done = read_job(job.folder)
    assert (done.state, done.status.sentence) == ("done", "It drew drawn.png on the cpu.")

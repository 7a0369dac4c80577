"""Trainings on a Slurm cluster: by submitit's processes of this machine, and by programs that answer as Slurm's."""

import json
import sys
from pathlib import Path

import pytest

from core.errors import TrainingError
from core.jobs import queues
from core.jobs.process import end_by_force, pause_job, start_job
from core.jobs.requests import TrainingRequest
from core.jobs.slurm import OPTIONS_VARIABLE, TRIAL_VARIABLE, slurm_options
from core.jobs.store import Job, read_job, read_log
from core.jobs.submit import submit_job
from tests.job_runs import recipe, wait_for

pytest.importorskip("submitit", reason="the extra 'cluster' is not installed: pip install 'serr-fundus[cluster]'")


def submitted(tmp_path: Path, dataset: Path, steps: int, slurm: str = "") -> Job:
    config = recipe(tmp_path, dataset, steps)
    return submit_job(TrainingRequest(config, tmp_path, "on the cluster", engine="slurm", slurm=slurm))


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")  # submitit forgets its process
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_training_is_submitted_watched_and_ends_with_its_weights(
    tmp_path: Path, dataset: Path, job_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRIAL_VARIABLE, "local")
    job = submitted(tmp_path, dataset, 5)
    assert job.alive
    assert job.request.engine == "slurm"
    done = wait_for(job, "done", "failed", "interrupted")
    assert (done.state, done.status.device) == ("done", "cpu"), read_log(done, 4096)
    assert done.weights is not None
    assert "The weights are in" in read_log(done, 1 << 14)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with programs called as Slurm's: ``state`` is what squeue says, ``said`` what was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    programs = {
        "srun": "exit 1",
        "sbatch": f'cat "$1" > {folder}/script; test -e {folder}/refuse && echo "sbatch: error: invalid partition" >&2 '
        "&& exit 1; echo Submitted batch job 4711",
        "squeue": f"cat {folder}/state 2>/dev/null && exit 0; echo error: Invalid job id specified >&2; exit 1",
        "scancel": f'echo scancel "$@" >> {folder}/said; rm -f {folder}/state',
    }
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(queues, "_ASK_S", 0.0)
    return folder


def test_a_job_in_the_queue_is_seen_paused_resumed_and_found_when_it_is_gone(
    tmp_path: Path, dataset: Path, job_store: Path, cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OPTIONS_VARIABLE, "partition=gpu,mem=8G")
    (cluster / "state").write_text("PENDING\n")
    job = submitted(tmp_path, dataset, 5, "--time=1:00:00, mem=9G")
    assert job.state == "queued"
    script = (cluster / "script").read_text()
    for line in ("partition=gpu", "time=1:00:00", "mem=9G", "gpus-per-node=1"):
        assert f"#SBATCH --{line}\n" in script
    assert json.loads((job.folder / queues.TICKET_FILE).read_text()) == {"number": "4711", "cluster": "slurm"}

    (cluster / "state").write_text("RUNNING\n")
    assert read_job(job.folder).state == "starting"
    (cluster / "state").write_text("PENDING\n")
    paused = pause_job(job)
    assert (paused.state, paused.status.sentence) == (
        "paused",
        "Taken out of the cluster's queue. You can resume it.",
    )
    assert (cluster / "said").read_text() == "scancel 4711\n"

    (cluster / "state").write_text("PENDING\n")
    assert start_job(paused).state == "queued"
    (cluster / "state").unlink()  # killed, or of a cluster that was emptied
    assert read_job(job.folder).state == "interrupted"
    (cluster / "squeue").unlink()  # on another machine: nobody can say
    assert read_job(job.folder).state == "queued"
    end_by_force(job)
    assert read_job(job.folder).state == "paused"


def test_what_the_cluster_refuses_is_said(
    tmp_path: Path, dataset: Path, job_store: Path, cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cluster / "refuse").touch()
    with pytest.raises(TrainingError, match=r"The cluster did not take the job: .*invalid partition"):
        submitted(tmp_path, dataset, 5, "partition=none")
    (job,) = [read_job(path) for path in job_store.iterdir() if path.is_dir()]
    assert job.state == "failed"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TrainingError, match="There is no Slurm on this computer"):
        submitted(tmp_path, dataset, 5)


@pytest.mark.parametrize("text", ["partition gpu", "=x", "output=/tmp/x", "mem=4G\n#SBATCH --x"])
def test_options_that_are_none(text: str) -> None:
    with pytest.raises(TrainingError):
        slurm_options(text)


def test_the_package_is_named_where_it_is_missing(
    tmp_path: Path, dataset: Path, job_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(TrainingError, match=r"needs the package submitit.*serr-fundus\[cluster\]"):
        submitted(tmp_path, dataset, 5)

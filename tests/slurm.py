"""A Slurm of one node as processes of the test; ``python -m tests.slurm`` runs a batch on it and kills a task.

``python -m tests.slurm train`` runs a training by the script of the guide, and ``jobs`` one by ``serr jobs``.

Needs Debian's packages ``slurm-wlm`` and ``munge``. Nothing is installed as a service, and all is gone at the end.
"""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from core.batch.plan import Batch, find_batch
from core.resources import command_line
from core.sidecar import read_sidecar
from tests.cli.program import process_environment, write_photo

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "scancel")
_PATIENCE_S = 300.0
_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why no Slurm can be started here, in a sentence; empty where it can."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    lacking = [name for name in _PROGRAMS if shutil.which(name, path=path) is None]
    return f"Slurm is not installed ({', '.join(lacking)}): apt-get install slurm-wlm munge" if lacking else ""


@contextmanager
def slurm() -> Iterator[Mapping[str, str]]:
    """Start a Slurm with one node and two processors; gives the environment in which its commands find it."""
    with ExitStack() as stack:
        # Not in pytest's folder: the path of a socket may have 108 characters.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True)))
        for name in ("state", "spool"):
            (folder / name).mkdir()
        key, conf = folder / "munge.key", folder / "slurm.conf"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        host = socket.gethostname().partition(".")[0]
        user = Path("/proc/self").owner()
        conf.write_text(_CONF.format(host=host, user=user, folder=folder, ports=_free_ports()), encoding="utf-8")
        environment = process_environment() | {
            "SLURM_CONF": str(conf),
            "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin",
        }
        munge = [f"--{name}={folder / f'munge.{name}'}" for name in ("socket", "pid-file", "log-file", "seed-file")]
        for command in (
            ["munged", "--foreground", "--force", f"--key-file={key}", *munge],
            ["slurmctld", "-D", "-f", str(conf)],
            ["slurmd", "-D", "-f", str(conf), "-N", host],
        ):
            log = stack.enter_context((folder / f"{command[0]}.out").open("wb"))
            daemon = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            stack.callback(_end, daemon)
            if command[0] == "munged":
                wait_until((folder / "munge.socket").exists)
        wait_until(lambda: ask(environment, "sinfo", "-h", "-o", "%T") == "idle")
        yield environment


def ask(environment: Mapping[str, str], *command: str) -> str:
    """What a command of Slurm says; empty where it fails, as while the controller starts."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def wait_until(is_so: Callable[[], bool]) -> None:
    """Ask again and again; TimeoutError after minutes."""
    end = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError("Slurm does not do what it should")
        time.sleep(0.05)


def killed_and_completed(folder: Path, weights: Path, *, count: int = 24) -> dict[str, dict[str, int]]:
    """Plan a batch in two shards, submit it, kill a task on its way, collect, submit again, collect; what was seen.

    Raises
    ------
    AssertionError : a photograph was lost or done twice.
    """
    photos, out = folder / "photos", folder / "out"
    photos.mkdir()
    for number in range(count):
        write_photo(photos / f"{number:03}.png", 300 + number, 300)
    seen: dict[str, dict[str, int]] = {}
    with slurm() as environment:

        def serr(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*command_line(), *words], env=environment, capture_output=True, text=True, check=False
            )

        options = ["--out", str(out), "--shards", "2", "--model", str(weights), "--fov", "full"]
        planned = serr("batch", "plan", str(photos), *options)
        assert planned.returncode == 0, planned.stderr
        batch = find_batch(out)

        first = _submit(environment, out)
        wait_until(lambda: _done(batch, 1) >= 2)
        _kill_task(out, 1)
        wait_until(lambda: not ask(environment, "squeue", "-h", "-j", first))
        whole = _whole(out)
        log = next((out / "serr-batch").glob(f"*{first}-1.log")).read_text(encoding="utf-8")
        assert "serr: cancelled." not in log, "the task could say that it ends: it was not killed"
        collected = serr("batch", "collect", str(out), "--json")
        seen["after the kill"] = json.loads(collected.stdout)["counts"]
        assert collected.returncode == 1, collected.stdout
        assert 2 <= len(whole) < count

        again = _submit(environment, out)
        wait_until(lambda: not ask(environment, "squeue", "-h", "-j", again))
        collected = serr("batch", "collect", str(out), "--json")
        seen["submitted again"] = json.loads(collected.stdout)["counts"]
        logs = "\n".join(path.read_text() for path in sorted((out / "serr-batch").glob("*.log")))
        assert collected.returncode == 0, collected.stdout + logs
    now = _whole(out)
    assert len(now) == count
    assert {name: now[name] for name in whole} == whole, "a result that was whole was made again"
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(Path(row["file"]).name for row in rows) == [f"{number:03}.png" for number in range(count)]
    assert {row["state"] for row in rows} == {"done"}
    return seen


def trained_and_resumed(folder: Path) -> str:
    """Train by the script of the guide in two processes, cancel it, submit it again; the log of the second job."""
    from core.training.config import to_toml
    from tests.job_runs import drawn_dataset, recipe

    run, config, script = folder / "run", folder / "recipe.toml", folder / "train.sbatch"
    dataset = drawn_dataset(folder)
    config.write_text(to_toml(recipe(folder, dataset, steps=60).replaced("optimisation", batch=2)), encoding="utf-8")
    guide = (Path(__file__).parents[1] / "docs" / "guide" / "training.md").read_text(encoding="utf-8")
    text = re.search(r"```bash\n(#!.*?)```", guide, re.DOTALL)
    assert text is not None
    changes = {
        "--nodes=2": "--nodes=1",
        "#SBATCH --gpus-per-node=4\n": "",
        "--cpus-per-task=16": "--cpus-per-task=2",
        "/scratch/me/run": str(run),
        "/scratch/me/data": str(folder),
        "--preset serr-unet-general": f"--config {config}",
        "${SLURM_GPUS_ON_NODE:-1}": "2",
        "srun python": f"srun {sys.executable}",
    }
    filled = text[1]
    for old, new in changes.items():
        assert old in filled, old
        filled = filled.replace(old, new)
    script.write_text(filled, encoding="utf-8")
    with slurm() as environment:
        submit = ("sbatch", "--parsable", "--mem=3000M", f"--output={folder}/%j.log", str(script))
        first = ask(environment, *submit)
        wait_until((run / "checkpoint.safetensors").exists)
        ask(environment, "scancel", first)
        wait_until(lambda: not ask(environment, "squeue", "-h", "-j", first))
        assert not list(run.glob("*last*.safetensors")), "the training was over before it could be cancelled"
        second = ask(environment, *submit)
        wait_until(lambda: not ask(environment, "squeue", "-h", "-j", second))
    log = (folder / f"{second}.log").read_text(encoding="utf-8")
    assert "best step" in log, log
    events = [json.loads(line)["event"] for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert events.count("resumed") == 1
    return log


def job_submitted(folder: Path) -> str:
    """Send a training to Slurm by ``serr jobs``: pause it in the queue, resume it, watch it; what was seen."""
    from core.training.config import to_toml
    from tests.job_runs import drawn_dataset, recipe

    config, seen = folder / "recipe.toml", list[str]()
    dataset = drawn_dataset(folder)
    config.write_text(to_toml(recipe(folder, dataset, steps=20)), encoding="utf-8")
    with slurm() as slurm_environment:
        environment = {**slurm_environment, "SERR_JOBS": str(folder / "jobs"), "SERR_JOB_NICE": "0"}

        def serr(*words: str) -> str:
            done = subprocess.run(
                [*command_line(), *words], env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        def state() -> str:
            (job,) = json.loads(serr("jobs", "list", "--json"))
            if not seen or seen[-1] != job["state"]:
                seen.append(job["state"])
            return str(job["state"])

        def until(*wanted: str) -> None:
            wait_until(lambda: state() in wanted)

        held = ask(
            environment,
            "sbatch",
            "--parsable",
            "--cpus-per-task=2",
            "--mem=100M",
            "--output=/dev/null",
            "--wrap=sleep 600",
        )
        options = "mem=2500M,cpus-per-task=1,gpus-per-node=0,time=30"
        serr("jobs", "start", "--config", str(config), "--root", str(folder), "--slurm", options)
        until("queued")
        name = json.loads(serr("jobs", "list", "--json"))[0]["id"]
        serr("jobs", "pause", name)
        until("paused")
        assert ask(environment, "squeue", "-h", "-o", "%A") == held, "it is in the queue still"
        serr("jobs", "resume", name)
        ask(environment, "scancel", held)
        until("done", "failed", "interrupted")
        (job,) = json.loads(serr("jobs", "list", "--json"))
        assert job["state"] == "done", serr("jobs", "show", name)
        assert Path(job["weights"]).is_file()
    return " -> ".join(seen)


def _submit(environment: Mapping[str, str], out: Path) -> str:
    """The number of the job. The script asks for more than this node has; the command line overrides it."""
    return ask(
        environment,
        *("sbatch", "--parsable", "--cpus-per-task=1", "--mem=1500M", str(out / "serr-batch" / "slurm.sbatch")),
    )


def _kill_task(out: Path, shard: int) -> None:
    """As the kernel kills a process that takes too much memory; ``scancel`` would first ask it to end."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if words[-2:] == ["--shard", str(shard)] and str(out) in words:
            process.kill()
            return
    raise AssertionError("the task has ended before it could be killed")


def _done(batch: Batch, shard: int) -> int:
    with batch.open(shard, read_only=True) as manifest:
        return manifest.counts()["done"]


def _whole(out: Path) -> dict[str, int]:
    """The results that can be relied on, and their inodes."""
    return {path.name: path.stat().st_ino for path in out.glob("*.serr.json") if read_sidecar(path)}


def _free_ports() -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _end(daemon: "subprocess.Popen[bytes]") -> None:
    daemon.terminate()
    try:
        daemon.wait(30)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def main() -> int:
    """Run it by hand, and say what was seen."""
    if why := missing():
        sys.stderr.write(f"{why}\n")
        return 1
    from tests.core.test_batch_kills import untrained

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        if "jobs" in sys.argv:
            sys.stdout.write(f"{job_submitted(Path(folder))}\n")
            return 0
        if "train" in sys.argv:
            sys.stdout.write(trained_and_resumed(Path(folder)))
            return 0
        seen = killed_and_completed(Path(folder), untrained(Path(folder) / "small.safetensors"))
    for what, counts in seen.items():
        sys.stdout.write(f"{what}: {counts}\n")
    sys.stdout.write(f"{time.perf_counter() - started:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A shard by several processes of this machine, one or more for each device, all by one manifest.

Each process claims photographs as any other does, so that one which is killed loses nothing. This one watches them,
shows how far all of them are, starts again what was killed, and ends them with itself.
"""

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Final

from core.batch.control import Watched
from core.batch.plan import Batch
from core.batch.run import Tally, run_shard
from core.errors import SerrError
from core.inference.engine_choice import checked_engine
from core.inference.options import Engine
from core.models.weights_file import LoadedModel
from core.progress import Cancelled, Monitor, Progress
from core.resources import command_line

_POLL_S: Final = 0.2
_PATIENCE_S: Final = 60.0
_MOST_STARTS: Final = 4
_CANCELLED_CODE: Final = 130
_MOST_OF_OURS: Final = 255
"""Below 0 a signal has ended a process, and above this Windows has."""
_SAID: Final = "serr: "
_MEMORY_EACH: Final = {"cpu": 1 << 30, "cuda": 4 << 30, "mps": 4 << 30}
"""Of the device, for each process on it: its context, and the network on a large photograph."""
_MEMORY_BESIDE: Final = 2 << 30
"""Of this machine, for each process that computes on another device: torch takes most of it."""


class DevicesError(SerrError):
    """The processes ended before all was done."""


def usable_devices(wanted: Sequence[str], engine: Engine = "torch") -> tuple[str, ...]:
    """The devices to work on, by torch's names: all graphics processors where there are several and none was named, and
    the engine can use them.

    Raises
    ------
    DeviceError : one is not there. EngineError : the engine is not, or cannot compute on one of them.
    """
    for name in wanted:
        checked_engine(engine, name)
    from core.inference.device import choose_device, list_devices

    if list(wanted) == ["auto"] and engine == "torch":
        found = tuple(device.torch_name for device in list_devices() if device.kind == "cuda")
        return found if len(found) > 1 else ("auto",)
    for name in wanted:
        choose_device(name)
    return tuple(wanted)


def workers_by_itself(devices: Sequence[str]) -> int:
    """As many processes for each device as cores and memory allow, at least one.

    A network on a graphics processor waits for what Python does for each photograph, and a process of Python does one
    thing at a time; on the processor, processes share the cores better than the threads of one network.
    """
    import psutil

    from core.inference.device import choose_device, free_bytes

    here, most = int(psutil.virtual_memory().available), usable_cores() // len(devices)
    for device in map(choose_device, devices):
        if device.kind == "cpu":
            most = min(most, here // (_MEMORY_EACH["cpu"] * len(devices)))
        else:
            most = min(most, (free_bytes(device) or 0) // _MEMORY_EACH[device.kind])
            most = min(most, here // (_MEMORY_BESIDE * len(devices)))
    return max(1, most)


def usable_cores() -> int:
    """How many cores this process may use: a scheduler may have given it a part of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_for(processes: int) -> int:
    """How many threads each of so many processes computes with: its share of the cores, and no more than asked for.

    Scripts for clusters ask for as many threads as a task has cores (``OMP_NUM_THREADS``), which all would take.
    """
    share, wanted = max(1, usable_cores() // processes), os.environ.get("OMP_NUM_THREADS", "").strip()
    return min(share, int(wanted)) if wanted.isdecimal() and int(wanted) else share


def run_on_devices(
    batch: Batch, shard: int, devices: Sequence[str], *, most_bad: float = 100.0, monitor: Monitor
) -> None:
    """Do all photographs of a shard that wait, by a process for each of the devices.

    Parameters
    ----------
    devices : by torch's names; one may come several times. No more of them are used than photographs wait.
    most_bad : of the shard's photographs, percent that may fail before it stops.

    Raises
    ------
    DevicesError : all processes have ended, and photographs wait still; what is done stays done.
    TooManyBadError : more failed. Cancelled : by the monitor.
    """
    with batch.open(shard) as manifest:
        manifest.recover()
        counts = manifest.counts()
        tally = Tally(counts, most_bad, monitor)
        tally.check()
        devices = devices[: max(1, counts["waiting"] + counts["running"])]
        with _parts(batch, shard, devices, most_bad, monitor) as parts:
            while True:
                ended = [part for part in parts if part.process.poll() is not None]
                counts = manifest.counts()
                tally.now(counts)
                tally.step()
                if not counts["waiting"] + counts["running"] and len(ended) == len(parts):
                    return
                for part in ended:
                    if counts["waiting"] + counts["running"]:
                        part.start_again()
                if any(part.process.returncode == _CANCELLED_CODE for part in ended):
                    raise Cancelled  # asked to end, which this process has not noticed yet
                if all(part.is_over for part in parts):
                    raise DevicesError(_why(parts))
                time.sleep(_POLL_S)


def run_part(batch: Batch, shard: int, model: LoadedModel, *, device: str, most_bad: float, monitor: Monitor) -> None:
    """What one of the processes does, until the photographs are done, it is asked to end, or its parent has gone.

    Raises as ``run_shard``.
    """
    watched = _WithParent(Watched(monitor, batch.control_folder))
    run_shard(batch, shard, model, device=device, most_bad=most_bad, monitor=watched)


class _Part:
    """A process on a device, and what it said last."""

    def __init__(self, words: Sequence[str], device: str, threads: int, monitor: Monitor) -> None:
        self._words, self._device, self._monitor = [*words, "--device", device], device, monitor
        self._threads, self._starts = threads, 0
        self.said = ""
        self.process = self._start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended for good."""
        return self.process.poll() is not None

    def start_again(self) -> None:
        """Where it was killed, some times; one that ended by itself had a reason, or found nothing left to claim."""
        code = self.process.returncode
        if code is not None and not 0 <= code <= _MOST_OF_OURS and self._starts < _MOST_STARTS:
            self._monitor.note(f"The process on {self._device} was ended from outside ({code}); it is started again.")
            self.process = self._start()

    def end(self) -> None:
        """Ask it to end, with its photographs put back; kill it if it takes long."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def _start(self) -> "subprocess.Popen[str]":
        self._starts += 1
        process = subprocess.Popen(
            [*command_line(), *self._words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={
                "OPENCV_FOR_THREADS_NUM": str(self._threads),
                **os.environ,
                "OMP_NUM_THREADS": str(self._threads),
                "PYTHONUTF8": "1",
            },
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert process.stderr is not None
        threading.Thread(target=self._listen, args=(process.stderr,), name=self._device, daemon=True).start()
        return process

    def _listen(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                if line.startswith(_SAID) and "cancelled" not in line:
                    self.said = line.removeprefix(_SAID).strip()
                    self._monitor.note(self.said)


@contextmanager
def _parts(
    batch: Batch, shard: int, devices: Sequence[str], most_bad: float, monitor: Monitor
) -> Iterator[list[_Part]]:
    words = ["batch", "part", str(batch.folder.absolute()), "--shard", str(shard), "--max-failed", str(most_bad)]
    threads = threads_for(len(devices))
    parts: list[_Part] = []
    try:
        for device in devices:
            parts.append(_Part(words, device, threads, monitor))
        yield parts
    finally:
        for part in parts:
            if part.process.poll() is None:
                part.process.terminate()  # all at once, before the first is waited for
        for part in parts:
            part.end()


class _WithParent:
    """Ends the work where the process that watches over it has gone."""

    def __init__(self, inner: Monitor) -> None:
        self._inner, self._parent = inner, os.getppid()

    def step(self, progress: Progress) -> None:
        if os.getppid() != self._parent:
            raise Cancelled
        self._inner.step(progress)

    def note(self, message: str) -> None:
        self._inner.note(message)


def _why(parts: Sequence[_Part]) -> str:
    said = next((part.said for part in parts if part.said), "")
    codes = ", ".join(str(part.process.returncode) for part in parts)
    return said or f"The processes ended before all photographs were done (exit codes {codes}). Start it again."

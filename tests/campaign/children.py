"""Work in forked children, with limits on time and memory, killed or starved at any event of their files.

Torch is imported once, before the first fork; a fork takes milliseconds. An audit hook sees every file that a child is
about to open for writing, to rename, to remove or to make: there it is killed, or the disk fails.
"""

import errno
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MEMORY_BYTES = 2 << 30
"""What a child may have on top of what it begins with."""
CPU_S = 30.0
_WALL_S = 600.0
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_OTHER_EVENTS = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"})


@dataclass(frozen=True)
class Ended:
    """How a child ended: ``text`` is what it returned, or why it failed. ``killed``: by us, on purpose."""

    text: str = ""
    failure: str = ""
    killed: bool = False
    events: int = 0


Work = Callable[[], str]
OnEvent = Callable[[int], None]


def kill_at(event: int) -> OnEvent:
    """Be killed right before a file event."""

    def act(number: int) -> None:
        if number == event:
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def fail_from(event: int, code: int) -> OnEvent:
    """The disk refuses every file event from this one on: full (ENOSPC, EDQUOT), read-only (EROFS), broken (EIO)."""

    def act(number: int) -> None:
        if number >= event:
            raise OSError(code, os.strerror(code))

    return act


FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES)


def run_child(
    work: Work, folder: Path, *, on_event: OnEvent | None = None, kill_after_s: float = 0, file_bytes: int = 0
) -> Ended:
    """Do something in a child of this process.

    Parameters
    ----------
    folder : events of files in it count.
    on_event : is called before each of them, with its number from 1.
    kill_after_s : kill it after this time, 0 for never.
    file_bytes : no file may become larger, as on a disk that is full in the middle of a write; 0 for no limit.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_the_child(work, folder, writing, on_event, file_bytes)
    os.close(writing)
    killed = False
    said = b""
    deadline = time.monotonic() + (kill_after_s or _WALL_S)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while True:
            left = deadline - time.monotonic()
            if left <= 0 and not killed:
                os.kill(pid, signal.SIGKILL)
                killed = True
            if select.select([pipe], [], [], max(left, 0.0) if not killed else None)[0]:
                data = pipe.read(1 << 16)
                if not data:
                    break
                said += data
    _, status = os.waitpid(pid, 0)
    return _ended(said.decode("utf-8", "replace"), status, on_purpose=killed and bool(kill_after_s))


def _ended(said: str, status: int, *, on_purpose: bool) -> Ended:
    kind, _, rest = said.partition("\n")
    events, _, text = rest.partition("\n")
    number = int(events) if events.isdecimal() else 0
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        if os.WTERMSIG(status) == signal.SIGKILL:
            return Ended(killed=True, failure="" if on_purpose else "killed")
        return Ended(failure=f"ended by {name}")
    if kind == "returned":
        return Ended(text, events=number)
    return Ended(failure=text or f"ended with {os.waitstatus_to_exitcode(status)} without a word", events=number)


def _be_the_child(work: Work, folder: Path, writing: int, on_event: OnEvent | None, file_bytes: int) -> None:
    """Never returns."""
    counted = 0
    watching = True
    inside = os.path.realpath(folder)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal counted
        if not watching or not _is_write(event, arguments) or not _is_inside(arguments[0], inside):
            return
        counted += 1
        if on_event is not None:
            on_event(counted)

    code, said = 1, "raised\n0\n"
    try:
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        limit_memory()
        if file_bytes:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))
        sys.addaudithook(hook)
        text = work()
        watching = False
        code, said = 0, f"returned\n{counted}\n{text}"
    except BaseException:  # noqa: BLE001 - told to the parent
        watching = False
        said = f"raised\n{counted}\n{traceback.format_exc()}"
    finally:
        with suppress(OSError):
            _write_all(writing, said.encode("utf-8", "replace"))
        os._exit(code)


def _write_all(pipe: int, data: bytes) -> None:
    while data:
        data = data[os.write(pipe, data) :]


def limit_memory() -> None:
    """Let this process have no more than ``MEMORY_BYTES`` on top of what it has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))


def _is_write(event: str, arguments: tuple[object, ...]) -> bool:
    if event == "open":
        flags = arguments[2]
        return isinstance(flags, int) and bool(flags & _WRITES)
    return event in _OTHER_EVENTS


def _is_inside(path: object, folder: str) -> bool:
    if isinstance(path, int) or not isinstance(path, (str, bytes, os.PathLike)):
        return False
    return os.path.realpath(os.fsdecode(path)).startswith(folder + os.sep)


class Reader:
    """A child that does one thing after the other, and is made again when one of them ends it."""

    def __init__(self, do: Callable[[str], str]) -> None:
        self._do, self._pid = do, 0

    def ask(self, request: str) -> Ended:
        """Have something done, within ``CPU_S`` of computing time."""
        if not self._pid:
            self._start()
        os.write(self._to, request.encode("utf-8", "surrogateescape") + b"\n")
        began, deadline = self._cpu_s(), time.monotonic() + _WALL_S
        said = b""
        while not said.endswith(b"\0"):
            if select.select([self._from], [], [], 0.5)[0]:
                data = os.read(self._from, 1 << 16)
                if not data:
                    return self._died()
                said += data
            elif self._cpu_s() - began > CPU_S or time.monotonic() > deadline:
                self.end()
                return Ended(failure=f"took more than {CPU_S:.0f} s")
        kind, _, text = said[:-1].decode("utf-8", "replace").partition("\n")
        return Ended(text) if kind == "returned" else Ended(failure=text)

    def end(self) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            self._died()

    def _died(self) -> Ended:
        _, status = os.waitpid(self._pid, 0)
        os.close(self._to)
        os.close(self._from)
        self._pid = 0
        return Ended(failure=f"it ended the process ({os.waitstatus_to_exitcode(status)})")

    def _cpu_s(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _start(self) -> None:
        requests, self._to = os.pipe()
        self._from, answers = os.pipe()
        pid = os.fork()
        if pid:
            os.close(requests)
            os.close(answers)
            self._pid = pid
            return
        os.close(self._to)
        os.close(self._from)
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        limit_memory()
        with os.fdopen(requests, "rb") as lines:
            for line in lines:
                try:
                    said = "returned\n" + self._do(line[:-1].decode("utf-8", "surrogateescape"))
                except BaseException:  # noqa: BLE001 - told to the parent
                    said = "raised\n" + traceback.format_exc()
                os.write(answers, said.encode("utf-8", "replace").replace(b"\0", b"?")[:50_000] + b"\0")
        os._exit(0)

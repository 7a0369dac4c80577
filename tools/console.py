"""Short lines for a person; everything else goes to a log."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class Failure(Exception):  # noqa: N818 - an outcome with a sentence, not a bug
    """Ends the set-up; the text says what is wrong and what to do."""


def prepare_console() -> None:
    """A path with a letter that the console's code page lacks must not end the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Prints ``title ... 12 s`` around a piece of work, or ``title ... no`` where it fails."""
    print(f"  {title} ...", end=" ", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        say("no")
        raise
    say(f"{time.monotonic() - started:.0f} s")


class Log:
    """The full record of one set-up: each command and all that it printed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("wb")

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def note(self, text: str) -> None:
        self._file.write(f"{text}\n".encode(errors="replace"))
        self._file.flush()

    def run(
        self, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> tuple[int, str]:
        """Runs a command with its output in the log; gives the exit code and that output."""
        self.note("\n$ " + " ".join(str(part) for part in command))
        start = self._file.tell()
        finished = subprocess.run(
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            check=False,
        )
        output = self.path.read_bytes()[start:].decode(errors="replace")
        self._file.seek(0, os.SEEK_END)
        self.note(f"[exit code {finished.returncode}]")
        return finished.returncode, output

"""``python -m tests.killed_batches PHOTOS MODEL FOLDER STRIDE``: a batch that is killed on its way and started again.

For each n, STRIDE apart, a process runs ``serr batch run`` on the photographs into FOLDER/n and is killed at its n-th
event: a file that is opened to write, renamed or removed, a folder that is made, or a statement of the manifest. Then
the same command is run to its end. Ends with the first n at which the batch was through before. Which results were
whole after the kill, with their inodes, is written to FOLDER/n.json.
"""

import gc
import json
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from core.cli import main
from core.errors import InputError
from core.sidecar import read_sidecar

_EVENTS = frozenset({"os.rename", "os.remove", "os.chmod", "os.mkdir"})


def kill_and_continue(photos: Path, weights: Path, folder: Path, stride: int) -> None:
    """Make all folders."""
    options = ["--model", str(weights), "--fov", "full"]
    (folder / "0.json").write_text("{}")
    # In this process, which has then imported everything when the others are made.
    assert main([*("batch", "run", str(photos), "--out", str(folder / "0")), *options]) == 0
    gc.collect()
    gc.freeze()  # or each child's search for garbage copies all that it shares with this process
    number, killed = 1 - stride, True
    while killed:
        number += stride
        out = folder / str(number)
        arguments = [*("batch", "run", str(photos), "--out", str(out)), *options]
        status = _child(arguments, number)
        killed = os.WIFSIGNALED(status)
        assert killed or os.waitstatus_to_exitcode(status) == 0, number
        (folder / f"{number}.json").write_text(json.dumps(_whole(out)))
        assert os.waitstatus_to_exitcode(_child(arguments, 0)) == 0, number


def _child(arguments: list[str], number: int) -> int:
    child = os.fork()
    if not child:
        code = 70
        try:
            sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - of a process that ends here
            if number:
                _die_at(number)
            code = main(arguments)
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def _die_at(number: int) -> None:
    left = number

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in _EVENTS or writes:
            count()

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        base: sqlite3.Connection = connected(*arguments, **options)
        base.set_trace_callback(count)
        return base

    connected, sqlite3.connect = sqlite3.connect, connect
    sys.addaudithook(hook)


def _whole(out: Path) -> dict[str, int]:
    """The side-cars that can be relied on, and their inodes."""
    found = {}
    for path in sorted(out.rglob("*.serr.json")):
        try:
            read_sidecar(path)
        except InputError:
            continue
        found[str(path.relative_to(out))] = path.stat().st_ino
    return found


if __name__ == "__main__":
    kill_and_continue(*(Path(argument) for argument in sys.argv[1:4]), int(sys.argv[4]))

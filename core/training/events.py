"""The log of a run: one JSON object a line, for people, plots and the desktop program."""

import json
import os
from pathlib import Path
from typing import Any, Final

from core.errors import TrainingError
from core.files import output_error, write_bytes_atomic
from core.strict import Malformed, parse_json, read_bytes

_MOST_BYTES: Final = 1 << 30


class EventLog:
    """Appends events to a file; each has "event" (its kind) and, where it belongs to one, "step".

    With ``writes`` False it does nothing: of several processes only one keeps the log.
    """

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self._path, self._writes = path, writes

    def write(self, event: str, **fields: Any) -> None:
        """Append one event. Raises OutputError where the file cannot be written."""
        if not self._writes:
            return
        line = json.dumps({"event": event, **fields}, ensure_ascii=False)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise output_error(self._path, error) from error

    def cut_after(self, step: int, validated: int | None = None) -> None:
        """Drop what a killed run wrote after its last checkpoint, so that the curve has no step twice.

        ``validated`` : the last validation that the checkpoint knows, where it was kept at a step whose validation was
        still to come.
        """
        if not self._writes:
            return
        last = {"validated": step if validated is None else validated, "finished": -1}
        kept = [event for event in read_events(self._path) if event.get("step", 0) <= last.get(event["event"], step)]
        lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in kept)
        write_bytes_atomic(self._path, lines.encode())


def read_events(path: Path) -> list[dict[str, Any]]:
    """All whole events of a log; a last line that is only half written is left out. Raises TrainingError."""
    try:
        data = read_bytes(path, _MOST_BYTES)
    except FileNotFoundError:
        return []
    except (OSError, Malformed) as error:
        raise TrainingError(f"cannot read the training log {path}: {getattr(error, 'strerror', error)}") from None
    return [event for line in data.splitlines() if (event := parse_event(line)) is not None]


def parse_event(line: bytes) -> dict[str, Any] | None:
    """The event of a line; None for half a line and whatever else is not an event."""
    try:
        event = parse_json(line, nan=True)
    except Malformed:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str) or type(event.get("step", 0)) is not int:
        return None
    return event

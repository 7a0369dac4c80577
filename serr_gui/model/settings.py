"""What comes back at the next start: one versioned record, kept as JSON in the user's configuration folder.

A value that cannot be used costs only itself. Nothing is touched at import; ``SERR_CONFIG_DIR`` names another folder.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final, get_args

from core.errors import OutputError
from core.evaluation.confusion import Region
from core.files import private_folder, write_bytes_atomic
from core.locks import wait_for_lock
from core.strict import Malformed, is_text, parse_json, read_bytes
from serr_gui.model.batch import MOST_KNOWN
from serr_gui.model.comparison import ErrorFilter
from serr_gui.model.export_options import ExportOptions
from serr_gui.model.i18n import translate
from serr_gui.model.state import (
    BASES,
    CACHE_MB,
    Averaging,
    Base,
    Colour,
    EvaluateAt,
    PrecisionChoice,
    RunSettings,
    Theme,
    ViewOptions,
)

VERSION: Final = 1
FILE_NAME: Final = "desktop.json"
LOCK_FILE: Final = ".lock"
RECENT_LIMIT: Final = 10
APP_NAME: Final = "serr-fundus"

_PATIENCE_S: Final = 5.0
_LISTS: Final = frozenset({"recent", "added_models", "batches"})
_COLORMAPS = ("inferno", "magma", "viridis", "cividis")
_ERROR_COLOURS = ("white_blue_black", "black_blue_yellow", "white_magenta_cyan", "green_blue_red")


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. ``geometry`` and ``docks`` are Qt's own bytes in base 64; paths are text."""

    version: int = VERSION
    theme: Theme = "system"
    view: ViewOptions = field(default_factory=ViewOptions)
    export: ExportOptions = field(default_factory=ExportOptions)
    model: str = ""
    added_models: tuple[str, ...] = ()
    device: str = "auto"
    run: RunSettings = field(default_factory=RunSettings)
    cache_mb: int = CACHE_MB
    font_pt: int = 0
    recent: tuple[str, ...] = ()
    last_folder: str = ""
    data_set: str = ""
    batches: tuple[str, ...] = ()
    observer: str = ""
    geometry: str = ""
    docks: str = ""


def config_folder() -> Path:
    """``SERR_CONFIG_DIR``, or else the platform's place for a user's configuration."""
    chosen = os.environ.get("SERR_CONFIG_DIR")
    if chosen:
        return Path(chosen)
    from platformdirs import user_config_path

    return user_config_path(APP_NAME, appauthor=False)


def load_settings(folder: Path | None = None) -> tuple[Settings, tuple[str, ...]]:
    """The stored settings, and the names of the values that could not be used and are at their defaults.

    A missing file is not a problem; a damaged one gives the defaults and the name of the file.
    """
    path = (folder or config_folder()) / FILE_NAME
    try:
        stored = parse_json(read_bytes(path), surrogates=True)
    except FileNotFoundError:
        return Settings(), ()
    except (OSError, Malformed):
        return Settings(), (path.name,)
    if not isinstance(stored, Mapping):
        return Settings(), (path.name,)
    return settings_from(stored)


def save_settings(settings: Settings, folder: Path | None = None, *, since: Settings | None = None) -> None:
    """Write the settings whole or not at all.

    Parameters
    ----------
    since : what this window had read or written before: only what it has changed since then is written over what
        another window may have stored meanwhile. None: all of it.

    Raises
    ------
    OutputError : the folder cannot be made or written to.
    """
    folder = folder or config_folder()
    with config_locked(folder):
        if since is not None:
            stored, bad = load_settings(folder)
            if FILE_NAME not in bad and (folder / FILE_NAME).exists():
                settings = _merged(settings, since, stored)
        write_config(folder / FILE_NAME, _storable(asdict(settings)))


def _merged(ours: Any, since: Any, stored: Any) -> Any:
    """Our record with what another window stored in the fields that we have not changed."""
    values = {}
    for name in (f.name for f in fields(ours)):
        mine, before, theirs = getattr(ours, name), getattr(since, name), getattr(stored, name)
        if is_dataclass(mine):
            values[name] = _merged(mine, before, theirs)
        elif mine == before:
            values[name] = theirs
        elif name in _LISTS:
            added = tuple(text for text in theirs if text not in mine and text not in before)
            values[name] = (mine + added)[: RECENT_LIMIT if name == "recent" else None]
        else:
            values[name] = mine
    return replace(ours, **values)


def _storable(value: Any) -> Any:
    """The values without texts that no JSON file can hold, such as names of files that are not UTF-8."""
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(item) for item in value if not isinstance(item, str) or is_text(item)]
    return "" if isinstance(value, str) and not is_text(value) else value


@contextmanager
def config_locked(folder: Path) -> Iterator[None]:
    """Read, change and write the files of the configuration while no other window does.

    Raises
    ------
    OutputError : the folder cannot be made or written to.
    """
    _make_folder(folder)
    lock = wait_for_lock(folder / LOCK_FILE, _PATIENCE_S)
    try:
        yield  # also where somebody holds the lock for longer than anybody writes: better than to lose the change
    finally:
        if lock is not None:
            lock.release()


def _make_folder(folder: Path) -> None:
    try:
        private_folder(folder)
    except OSError as error:
        text = translate("Settings", "The folder for settings {folder} cannot be made: {reason}.")
        raise OutputError(text.format(folder=folder, reason=error.strerror or error)) from error


def write_config(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file of the configuration whole or not at all; makes its folder.

    Raises
    ------
    OutputError : the folder cannot be made or written to.
    """
    _make_folder(path.parent)
    text = json.dumps(content, ensure_ascii=False, indent=2)
    write_bytes_atomic(path, text.encode("utf-8", "surrogateescape"), follow_link=True, private=True)


def settings_from(stored: Mapping[str, Any]) -> tuple[Settings, tuple[str, ...]]:
    """Settings from JSON values, with the names of those that could not be used."""
    bad: list[str] = []
    values: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name in stored:
            try:
                values[name] = read(stored[name])
            except (TypeError, ValueError):
                bad.append(name)
    for name, kind in (("view", ViewOptions), ("export", ExportOptions), ("run", RunSettings)):
        if name in stored:
            values[name] = _read_record(kind, stored[name], name, bad)
    return Settings(**values), tuple(bad)


def _read_record(kind: type[Any], stored: object, name: str, bad: list[str]) -> Any:
    if not isinstance(stored, Mapping):
        bad.append(name)
        return kind()
    values = {}
    for key in (f.name for f in fields(kind) if f.name in stored):
        try:
            values[key] = _PART_READERS[key](stored[key])
        except (TypeError, ValueError):
            bad.append(f"{name}.{key}")
    return kind(**values)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    if not is_text(value):
        raise ValueError("text with halves of characters")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false expected")
    return value


def _number(low: float, high: float) -> Callable[[object], float]:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError("a number expected")
        if not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g} expected")
        return float(value)

    return read


def _whole(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError("a whole number expected")
        if not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high} expected")
        return value

    return read


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("a list expected")
    return tuple(_text(item) for item in value)


def _one_of(*choices: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)} expected")
        return str(value)

    return read


def _colour(value: object) -> Colour:
    if not isinstance(value, list) or len(value) != 3:
        raise TypeError("three numbers expected")
    if not all(isinstance(part, int) and 0 <= part <= 255 for part in value):
        raise ValueError("numbers from 0 to 255 expected")
    return value[0], value[1], value[2]


_READERS: dict[str, Callable[[object], object]] = {
    "theme": _one_of(*get_args(Theme)),
    "model": _text,
    "added_models": _texts,
    "device": _text,
    "cache_mb": _whole(64, 1 << 20),
    "font_pt": _whole(0, 48),
    "recent": lambda value: _texts(value)[:RECENT_LIMIT],
    "last_folder": _text,
    "data_set": _text,
    "batches": lambda value: _texts(value)[:MOST_KNOWN],
    "observer": _text,
    "geometry": _text,
    "docks": _text,
}
_PART_READERS: dict[str, Callable[[object], object]] = {
    "base": _one_of(*BASES),
    "show_mask": _flag,
    "mask_opacity": _number(0.0, 1.0),
    "mask_colour": _colour,
    "show_probability": _flag,
    "probability_opacity": _number(0.0, 1.0),
    "colormap": _one_of(*_COLORMAPS),
    "show_fov": _flag,
    "region": _one_of(*get_args(Region)),
    "show_errors": _flag,
    "show_label": _flag,
    "error_opacity": _number(0.0, 1.0),
    "error_colours": _one_of(*_ERROR_COLOURS),
    "error_filter": _one_of(*get_args(ErrorFilter)),
    "skip_borders": _flag,
    "show_edits": _flag,
    "show_questionable": _flag,
    "skip_questionable": _flag,
    "evaluate_measures": _flag,
    "evaluate_at": _one_of(*get_args(EvaluateAt)),
    "brightness": _number(-1.0, 1.0),
    "contrast": _number(-1.0, 1.0),
    "gamma": _number(0.25, 4.0),
    "tta": _one_of(*get_args(Averaging)),
    "precision": _one_of(*get_args(PrecisionChoice)),
    "threads": _whole(0, 1024),
    "folder": _text,
    "mask": _flag,
    "probability": _flag,
    "overlay": _flag,
    "sidecar": _flag,
    "float_probability": _flag,
}
assert set(get_args(Base)) == set(BASES)

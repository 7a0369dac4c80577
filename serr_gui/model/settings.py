"""What comes back at the next start: one versioned record, kept as JSON in the user's configuration folder.

A value that cannot be used costs only itself. Nothing is touched at import; ``SERR_CONFIG_DIR`` names another folder.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from core.errors import OutputError
from core.evaluation.counts import Region
from core.files import write_bytes_atomic
from serr_gui.model.comparison import ErrorFilter
from serr_gui.model.i18n import translate
from serr_gui.model.state import BASES, Base, Colour, EvaluateAt, Theme, ViewOptions

if TYPE_CHECKING:
    from core.export import ExportChoices

VERSION: Final = 1
FILE_NAME: Final = "desktop.json"
RECENT_LIMIT: Final = 10
APP_NAME: Final = "serr-fundus"
RESULTS_FOLDER: Final = "SERR results"
"""Beside the photographs: where results are exported to while no other folder is chosen."""

_COLORMAPS = ("inferno", "magma", "viridis", "cividis")
_ERROR_COLOURS = ("white_blue_black", "black_blue_yellow", "white_magenta_cyan", "green_blue_red")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the export dialog was left with. ``folder`` empty: a folder beside the photograph."""

    folder: str = ""
    mask: bool = True
    probability: bool = True
    overlay: bool = True
    sidecar: bool = True
    float_probability: bool = False

    def choices(self) -> "ExportChoices":
        """What the library shall write."""
        from core.export import ExportChoices

        return ExportChoices(
            mask=self.mask,
            probability=self.probability,
            overlay=self.overlay,
            sidecar=self.sidecar,
            float_probability=self.float_probability,
        )


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
    recent: tuple[str, ...] = ()
    last_folder: str = ""
    data_set: str = ""
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

    A missing file is no problem; a damaged one gives the defaults and the name of the file.
    """
    path = (folder or config_folder()) / FILE_NAME
    try:
        stored = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Settings(), ()
    except (OSError, ValueError, RecursionError):
        return Settings(), (path.name,)
    if not isinstance(stored, Mapping):
        return Settings(), (path.name,)
    return settings_from(stored)


def save_settings(settings: Settings, folder: Path | None = None) -> None:
    """Write the settings whole or not at all.

    Raises
    ------
    OutputError : the folder cannot be made or written to.
    """
    write_config((folder or config_folder()) / FILE_NAME, asdict(settings))


def write_config(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file of the configuration whole or not at all; makes its folder.

    Raises
    ------
    OutputError : the folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = translate("Settings", "The folder for settings {folder} cannot be made: {reason}.")
        raise OutputError(text.format(folder=path.parent, reason=error.strerror or error)) from error
    text = json.dumps(content, ensure_ascii=False, indent=2)
    write_bytes_atomic(path, text.encode("utf-8", "surrogateescape"))


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
    for name, kind in (("view", ViewOptions), ("export", ExportOptions)):
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
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false expected")
    return value


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("a number expected")
    if not 0.0 <= value <= 1.0:
        raise ValueError("a number from 0 to 1 expected")
    return float(value)


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
    "recent": lambda value: _texts(value)[:RECENT_LIMIT],
    "last_folder": _text,
    "data_set": _text,
    "geometry": _text,
    "docks": _text,
}
_PART_READERS: dict[str, Callable[[object], object]] = {
    "base": _one_of(*BASES),
    "show_mask": _flag,
    "mask_opacity": _share,
    "mask_colour": _colour,
    "show_probability": _flag,
    "probability_opacity": _share,
    "colormap": _one_of(*_COLORMAPS),
    "show_fov": _flag,
    "region": _one_of(*get_args(Region)),
    "show_errors": _flag,
    "error_opacity": _share,
    "error_colours": _one_of(*_ERROR_COLOURS),
    "error_filter": _one_of(*get_args(ErrorFilter)),
    "skip_borders": _flag,
    "evaluate_at": _one_of(*get_args(EvaluateAt)),
    "folder": _text,
    "mask": _flag,
    "probability": _flag,
    "overlay": _flag,
    "sidecar": _flag,
    "float_probability": _flag,
}
assert set(get_args(Base)) == set(BASES)

"""The words of the command line ``serr-gui``, and what of them a program that runs already is asked for."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import __version__


@dataclass(frozen=True, slots=True)
class StartOptions:
    """The command line."""

    paths: tuple[Path, ...] = ()
    sample: bool = False
    segment: bool = False
    model: str = ""
    device: str = ""
    threshold: float | None = None
    draw_like: str = ""
    selftest: bool = False
    new_window: bool = False

    @property
    def own_program(self) -> bool:
        """Whether this start is a program of its own, even where one runs already."""
        return self.selftest or self.new_window or bool(self.model or self.device)

    def handed(self) -> dict[str, Any]:
        """What the program that runs already is asked for, as plain JSON values."""
        paths = [str(path.absolute()) for path in self.paths]
        values = {"paths": paths, "sample": self.sample, "segment": self.segment, "threshold": self.threshold}
        return {**values, "draw_like": self.draw_like}

    @classmethod
    def from_handed(cls, values: Mapping[str, Any]) -> "StartOptions":
        """The reverse of ``handed``. Raises ValueError, TypeError or KeyError for values that it did not give."""
        threshold = values["threshold"]
        if not isinstance(values["paths"], list) or not all(isinstance(text, str) for text in values["paths"]):
            raise TypeError("paths are texts")
        if threshold is not None and not 0.0 < float(threshold) < 1.0:
            raise ValueError("a threshold lies between 0 and 1")
        paths = tuple(Path(text) for text in values["paths"] if "\0" not in text)
        style = str(values.get("draw_like", ""))  # older programs do not know it
        return cls(paths, bool(values["sample"]), bool(values["segment"]), threshold=threshold, draw_like=style)


def parse(argv: Sequence[str]) -> StartOptions:
    """Read the command line; exits with 2 where it is wrong, with 0 after --help and --version."""
    parser = argparse.ArgumentParser(
        prog="serr-gui",
        description="Find the vessels in fundus photographs. For research use only: not a medical device.",
    )
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="photographs, folders, or a session to open"
    )
    parser.add_argument("--segment", action="store_true", help="segment the first photograph at once")
    parser.add_argument(
        "--sample", action="store_true", help="open and segment the photograph that comes with the program"
    )
    parser.add_argument("--model", default="", metavar="NAME|FILE", help="model to use")
    parser.add_argument("--device", default="", choices=["auto", "cpu", "cuda", "mps"], help="device to compute on")
    rule = parser.add_mutually_exclusive_group()
    rule.add_argument("--threshold", type=_threshold, metavar="T", help="probability threshold between 0 and 1")
    rule.add_argument(
        "--draw-like",
        default="",
        metavar="NAME",
        help="draw as the experts of a data set do, which the model must know, such as DRIVE",
    )
    parser.add_argument(
        "--selftest", action="store_true", help="segment the sample, check the result, train two steps, and end"
    )
    parser.add_argument(
        "--new-window", action="store_true", help="do not hand the files to a program that runs already"
    )
    parser.add_argument("--version", action="version", version=f"SERR Fundus {__version__}")
    # Qt's own options are left to Qt.
    known, _rest = parser.parse_known_args(list(argv))
    return StartOptions(**{**vars(known), "paths": tuple(known.paths)})


def _threshold(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError("a threshold lies between 0 and 1")
    return value

"""Enhanced photographs: pictures that a network made of them, to look at. Nothing else of the program takes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.types import FundusImage
from serr_gui.canvas.wipe import Wipe

if TYPE_CHECKING:
    from core.enhancement.enhancer import Enhanced

KEPT_BYTES: Final = 400_000_000
"""How much enhanced pictures may take in memory before the oldest go; the newest always stays."""


@dataclass(frozen=True, slots=True)
class EnhancerChoice:
    """A network that enhances photographs: ``scale`` 1 keeps the grid, 2 doubles each side.

    ``measured`` : what its card says about how good it is, in sentences; empty where it says nothing. ``sha256`` : of
    its tensors.
    """

    name: str
    path: Path
    bundled: bool
    scale: int
    measured: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class EnhancedPhoto:
    """The enhanced picture of a photograph, by the network of ``model``. ``wipe`` : as the canvas has it."""

    photo: Path
    model: Path
    picture: "Enhanced"
    wipe: Wipe

    def is_of(self, path: Path, image: FundusImage) -> bool:
        """Whether it was made of this photograph, as its file is now."""
        made = self.picture.image
        return self.photo == path and (made is image or (made.sha256 is not None and made.sha256 == image.sha256))


@dataclass(frozen=True, slots=True)
class Enhancing:
    """What is known of enhanced photographs.

    ``chosen`` is the network that the next one is made by, and whose pictures are shown; ``running`` the one that is at
    work. ``kept`` : the pictures there are, the oldest first. ``shown`` : whether they are seen.
    """

    choices: tuple[EnhancerChoice, ...] = ()
    chosen: Path | None = None
    running: Path | None = None
    kept: tuple[EnhancedPhoto, ...] = ()
    shown: bool = True

    @property
    def choice(self) -> EnhancerChoice | None:
        """The network that is chosen."""
        return next((choice for choice in self.choices if choice.path == self.chosen), None)

    def made(self, path: Path, image: FundusImage, model: Path | None) -> EnhancedPhoto | None:
        """The picture of a photograph by a network, where it was made."""
        found = (each for each in self.kept if each.model == model and each.is_of(path, image))
        return next(found, None)


def places_now(before: tuple[EnhancerChoice, ...], now: tuple[EnhancerChoice, ...]) -> dict[Path, Path]:
    """Where the file of each network is that still exists: where it was, or, with the same weights, by another name."""
    found = {choice.path: choice.path for choice in now}
    by_hash = {choice.sha256: choice.path for choice in now if choice.sha256}
    renamed = {choice.path: by_hash[choice.sha256] for choice in before if choice.sha256 in by_hash}
    return renamed | found


def with_another(kept: tuple[EnhancedPhoto, ...], new: EnhancedPhoto) -> tuple[EnhancedPhoto, ...]:
    """The pictures with a new one, as many of the newest as ``KEPT_BYTES`` has room for."""
    others = tuple(each for each in kept if (each.photo, each.model) != (new.photo, new.model))
    room, first = KEPT_BYTES - new.picture.rgb.nbytes, len(others)
    while first > 0 and others[first - 1].picture.rgb.nbytes <= room:
        first -= 1
        room -= others[first].picture.rgb.nbytes
    return (*others[first:], new)

"""What ``serr measure`` is given: files of several kinds, the optic disc, and the size of a pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.cli.console import UsageError, tell
from core.files import display_path

if TYPE_CHECKING:
    from core.cli.inputs import Inputs
    from core.measures.calibres import OpticDisc
    from core.measures.summary import PixelSize


@dataclass(frozen=True, slots=True)
class MeasureInputs:
    """The photographs or masks that are given, and the results: side-cars and sessions."""

    given: "Inputs"
    results: tuple[Path, ...]

    @property
    def photos(self) -> tuple[Path, ...]:
        """Photographs or masks, not results."""
        return self.given.photos

    @property
    def pictures(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.given.photos, *self.results)

    def check(self, *, masks: bool, has_choices: bool, has_segments: bool) -> None:
        """Raise UsageError where options are given that results have no use for."""
        if self.results and has_segments:
            raise UsageError("--segments is for photographs and masks: leave it out where results are measured.")
        if self.results and not self.photos and (masks or has_choices):
            raise UsageError(
                "results have a model, a threshold and a field of view of their own: leave out --masks, --model, "
                "--threshold, --draw-like, --fov and --mirrored."
            )

    def tell_unused(self) -> None:
        """Say where a session or a side-car next to the photographs holds what is not used, since it is not measured.

        That is what a person has said for the measures, or corrected by hand.
        """
        from core.measuring import unused_results

        for path, count in unused_results(self.photos, self.results):
            these = "one of these photographs" if count == 1 else f"{count} of these photographs"
            tell(
                f"serr: {display_path(path)} holds a person's work on {these} (optic disc, pixel size, marks or "
                "corrections), which is not used here. To use it, measure that file instead."
            )

    def tell_same_disc(self, disc: "OpticDisc | Literal['auto'] | None") -> None:
        """Say that one disc is taken for several pictures."""
        if disc not in (None, "auto") and len(self.pictures) > 1:
            tell(f"serr: the zones of all {len(self.pictures)} pictures are taken around the same --disc.")


def measure_inputs(paths: Sequence[str], *, masks: bool, recursive: bool) -> MeasureInputs:
    """The files of paths, folders and patterns; what could not be expanded is said. UsageError where there is none."""
    from core.cli.inputs import Inputs, mask_inputs, photo_inputs
    from core.measuring import is_result
    from core.photo.walking import expand

    results: list[Path] = []
    others = []
    for text in paths:
        if not is_result(Path(text)):
            others.append(text)
        elif Path(text).exists() or not any(each in text for each in "*?["):
            results.append(Path(text))
        else:
            results += expand(text)
    given = Inputs((), (), ())
    if others or not results:
        find = mask_inputs if masks else photo_inputs
        given = find(others or list(paths), recursive=recursive)
    given.tell_rest()
    return MeasureInputs(given, tuple(dict.fromkeys(results)))


def disc_of(text: str | None, *, masks: bool) -> "OpticDisc | Literal['auto'] | None":
    """What --disc says."""
    if masks and text == "auto":
        raise UsageError("--disc auto looks at photographs; with --masks give row, column and radius.")
    if text is None or text == "auto":
        return "auto" if text else None
    from core.measures.calibres import OpticDisc

    try:
        row, column, radius, *ellipse = (float(part) for part in text.split(","))
        if len(ellipse) not in (0, 2):
            raise ValueError
    except ValueError:
        raise UsageError(
            f"--disc {text} is not understood: give row, column and radius in pixels, such as 290,480,38 (of an "
            "ellipse both half axes and an angle, such as 290,480,42,36,90), or auto."
        ) from None
    return OpticDisc(row, column, radius, *ellipse)


def assumed_pixel(disc_mm: float | None, given: "PixelSize | None", *, has_disc: bool) -> "PixelSize | None":
    """For the units of the codebook, where there is --disc-mm: each photograph has a size of its own.

    ``has_disc`` : --disc is given, or results are measured, which may hold a disc.
    """
    if disc_mm is None:
        return given
    if not has_disc or given is not None:
        raise UsageError(
            "--disc-mm needs the optic disc (--disc, or sessions or side-cars that hold it), and takes the place of "
            "--pixel-um."
        )
    from core.measures.calibres import OpticDisc
    from core.measures.pixels import pixel_from_disc

    return pixel_from_disc(OpticDisc(0.0, 0.0, 1.0), disc_mm)


def pixel_of(um: float | None, source: str | None) -> "PixelSize | None":
    """What --pixel-um and --pixel-source say."""
    if um is None and source is None:
        return None
    from core.measures.summary import PixelSize

    if um is None or source is None:
        raise UsageError("--pixel-um and --pixel-source belong together: a size of a pixel needs its source.")
    return PixelSize(um, source)

"""Enhancing several photographs and writing the pictures, as ``serr enhance`` does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.enhancement.enhancer import Enhanced, EnhanceOptions, Enhancer, enhance_photo
from core.enhancement.saving import EnhancedKind, enhanced_names, save_enhanced
from core.errors import OutputError, SerrError
from core.files import display_path, ensure_folder
from core.photo.reading import read_fundus
from core.photo.sibling_files import output_stems
from core.progress import SILENT, Cancelled, Monitor, part_of

_AUTOMATIC = EnhanceOptions()


@dataclass(frozen=True, slots=True)
class EnhancedFile:
    """A photograph that is done: its files by kind, the size of the picture, and what is to be said of it."""

    path: Path
    files: dict[EnhancedKind, Path]
    width: int
    height: int
    seconds: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnhanceReport:
    """What became of photographs; ``failed`` says why, in a sentence; ``cancelled`` : not all were reached."""

    done: tuple[EnhancedFile, ...]
    failed: tuple[tuple[Path, str], ...]
    cancelled: bool = False


def enhance_files(
    paths: Sequence[Path],
    folder: Path,
    enhancer: Enhancer,
    *,
    options: EnhanceOptions = _AUTOMATIC,
    overwrite: bool = False,
    finished: Callable[[EnhancedFile], None] | None = None,
    monitor: Monitor = SILENT,
) -> EnhanceReport:
    """Enhance photographs, one after the other; one that cannot be used does not stop the others.

    Parameters
    ----------
    folder : for the pictures; made where it is missing. ``overwrite`` : as ``save_enhanced``.
    finished : called with each photograph as soon as its files are written.
    monitor : may end the work; what is written stays.

    Raises
    ------
    OutputError : the folder cannot be used at all.
    """
    ensure_folder(folder)
    stems, done, failed = output_stems(paths), list[EnhancedFile](), list[tuple[Path, str]]()
    for number, (path, stem) in enumerate(stems.items()):
        name = display_path(path.name)
        part = part_of(monitor, number, len(stems), name if len(stems) > 1 else "")
        try:
            _refuse_inputs(paths, folder, stem)
            made = enhance_photo(read_fundus(path), enhancer, options=options, monitor=part)
            item = _written(made, path, folder, stem, overwrite=overwrite)
        except Cancelled:
            return EnhanceReport(tuple(done), tuple(failed), cancelled=True)
        except (SerrError, MemoryError) as error:
            text = str(error) or "There is not enough memory."
            failed.append((path, text if name in text else f"{name}: {text}"))
            monitor.note(failed[-1][1])
            continue
        done.append(item)
        if finished is not None:
            finished(item)
    return EnhanceReport(tuple(done), tuple(failed))


def _written(made: Enhanced, path: Path, folder: Path, stem: str, *, overwrite: bool) -> EnhancedFile:
    files = save_enhanced(made, folder, stem, overwrite=overwrite)
    height, width = made.shape
    return EnhancedFile(path, files, width, height, made.seconds, (*made.image.notes, *made.notes))


def _refuse_inputs(paths: Sequence[Path], folder: Path, stem: str) -> None:
    """Refuse to write over a file that is read here."""
    for name in enhanced_names(stem).values():
        target = folder / name
        if any(target.exists() and target.samefile(path) for path in paths if path.exists()):
            raise OutputError(
                f"The picture {display_path(name)} would overwrite a file that is read here, {display_path(target)}. "
                "Choose another folder."
            )

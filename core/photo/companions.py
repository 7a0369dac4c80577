"""Which files belong to a photograph: the names of its results, and the mask of its field of view in a folder."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from core.errors import FieldOfViewError
from core.files import shown
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import is_photo_path, read_fov
from core.types import FieldOfView, FundusImage

FovChoice = Literal["auto", "full"] | Path
"""Where the field of view comes from: found in the photograph, all of it, a mask file, or a folder of masks."""

_FOV_ENDINGS = ("", "_mask", "_fov")  # DRIVE and HRF name their masks <photograph>_mask


def photo_stem(path: Path) -> str:
    """The name of a photograph without its suffix, also where it is packed: ``im0001`` for ``im0001.ppm.gz``."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return Path(name).stem


def output_stems(paths: Sequence[Path]) -> dict[Path, str]:
    """How the results of each photograph are called, so that no two write the same file.

    Usually the photograph's own stem. Where several have the same (small and capital letters count as the same, as some
    disks do not tell them apart), each of these gets the name of its folder in front, then its suffix behind, then the
    names of more folders in front: ``left/01.png`` and ``right/01.png`` become ``left_01`` and ``right_01``. The names
    depend on the photographs, not on their order. A path that is given twice stands once.
    """
    unique = list(dict.fromkeys(paths))
    names = {path: _names(path) for path in unique}
    level = dict.fromkeys(unique, 0)
    while True:
        chosen = {path: names[path][level[path]] for path in unique}
        times = Counter(name.casefold() for name in chosen.values())
        moving = [path for path in unique if times[chosen[path].casefold()] > 1 and level[path] < len(names[path]) - 1]
        if not moving:
            break
        for path in moving:
            level[path] += 1
    taken: set[str] = set()
    for path, name in sorted(chosen.items()):  # the same file by two spellings, or folders that join to the same text
        number, free = 2, name
        while free.casefold() in taken:
            number, free = number + 1, f"{name}_{number}"
        taken.add(free.casefold())
        chosen[path] = free
    return chosen


def resolve_fov(choice: FovChoice, path: Path | None, image: FundusImage) -> FieldOfView:
    """The field of view of a photograph, as chosen.

    Parameters
    ----------
    choice : see ``FovChoice``.
    path : the photograph's file, by whose name a mask is found in a folder.
    image : the photograph.

    Raises
    ------
    FieldOfViewError : none can be found, the mask does not fit, or the folder has none or several for this photograph.
    """
    if choice == "auto":
        return estimate_field_of_view(image)
    if choice == "full":
        return FieldOfView.full(image.shape)
    mask = Path(choice)
    if mask.is_dir():
        if path is None:
            raise FieldOfViewError(f"The photograph has no name by which its mask could be found in {shown(mask)}.")
        mask = find_fov(mask, path)
    return read_fov(mask, shape=image.shape)


def find_fov(folder: Path, photo: Path) -> Path:
    """The mask of a photograph's field of view in a folder.

    That is a picture with the photograph's stem, or else with ``_mask`` behind, or else with ``_fov``; small and
    capital letters are the same. The photograph itself and masks of vessels that this program wrote (they have a
    side-car) are not meant.

    Raises
    ------
    FieldOfViewError : there is none, or more than one with the same stem.
    """
    stem = photo_stem(photo)
    try:
        pictures = [path for path in folder.iterdir() if is_photo_path(path)]
        names = {path.name.casefold() for path in folder.iterdir()}
    except OSError as error:
        raise FieldOfViewError(f"The folder {shown(folder)} cannot be read ({error.strerror or error}).") from error
    for ending in _FOV_ENDINGS:
        wanted = (stem + ending).casefold()
        found = [path for path in _sorted(pictures) if photo_stem(path).casefold() == wanted and not _same(path, photo)]
        if ending == "_mask" and f"{stem}.serr.json".casefold() in names:
            found = [path for path in found if path.suffix.lower() != ".png"]
        if len(found) > 1:
            several = " and ".join(shown(path.name) for path in found)
            raise FieldOfViewError(
                f"{shown(folder)} has more than one mask for {shown(photo.name)}: {several}. Leave one of them there."
            )
        if found:
            return found[0]
    raise FieldOfViewError(
        f"{shown(folder)} has no mask for {shown(photo.name)}. It would be called {shown(stem)}, {shown(stem)}_mask or "
        f"{shown(stem)}_fov with the suffix of a picture. Add it, or let the field of view be found in the photograph."
    )


def _names(path: Path) -> list[str]:
    """Names for the results of a photograph, from short to long."""
    stem = photo_stem(path)
    kind = path.name[len(stem) :].strip(".").replace(".", "_")
    folders = [part for part in path.absolute().parts[1:-1] if part != ".."]
    longer = ["_".join([*folders[-count:], stem, kind]) for count in range(1, len(folders) + 1)]
    return [stem, "_".join([*folders[-1:], stem]), *longer]


def _sorted(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.name)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False

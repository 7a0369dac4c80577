"""Which files belong to a photograph: the names of its results, and the mask of its field of view in a folder."""

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from core.errors import FieldOfViewError
from core.files import UNPRINTABLE, display_path, file_sha256, path_text
from core.photo.field_of_view import estimate_field_of_view
from core.photo.fov_mask import read_fov_of
from core.photo.reading import is_photo_path
from core.photo.walking import same_name
from core.types import FieldOfView, FundusImage

FovOption = Literal["auto", "full"] | Path
"""Where the field of view comes from: found in the photograph, all of it, a mask file, or a folder of masks."""

SIDECAR_SUFFIX: Final = ".serr.json"
_SIDECAR_BYTES: Final = 1_000_000
"""More than any side-car has."""

_FOV_ENDINGS = ("", "_mask", "_fov")  # DRIVE and HRF name their masks <photograph>_mask


def photo_stem(path: Path) -> str:
    """The name of a photograph without its suffix, also where it is packed: ``im0001`` for ``im0001.ppm.gz``."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return Path(name).stem


def output_stems(paths: Sequence[Path], out_dir: Path | None = None, *, by_content: bool = True) -> dict[Path, str]:
    """How the results of each photograph are called, so that no two write the same file.

    Usually the photograph's own stem. Where several have the same (small and capital letters count as the same, as some
    disks do not tell them apart), each of these gets the name of its folder in front, then its suffix behind, then the
    names of more folders in front: ``left/01.png`` and ``right/01.png`` become ``left_01`` and ``right_01``. The names
    depend on the photographs, not on their order. A path that is given twice counts once. Characters that cannot be
    printed and bytes that are not UTF-8 become ``%1B`` and the like.

    Parameters
    ----------
    out_dir : where there may be results already. A name that another photograph's results have there is not used, but
        the next one; and the name under which this photograph has results there is used again. Side-cars tell: a
        photograph is the same where its path is, or its content.
    by_content : whether contents are compared, which takes reading the photographs; else paths alone.
    """
    unique = list(dict.fromkeys(paths))
    names = {path: _names(path) for path in unique}
    if out_dir is not None:
        names = _unused_names(names, out_dir, by_content)
    level = dict.fromkeys(unique, 0)
    while True:
        chosen = {path: names[path][level[path]] for path in unique}
        times = Counter(same_name(name) for name in chosen.values())
        moving = [path for path in unique if times[same_name(chosen[path])] > 1 and level[path] < len(names[path]) - 1]
        if not moving:
            break
        for path in moving:
            level[path] += 1
    taken: set[str] = set()
    for path, name in sorted(chosen.items()):  # the same file by two spellings, or folders that join to the same text
        number, free = 2, name
        while same_name(free) in taken:
            number, free = number + 1, f"{name}_{number}"
        taken.add(same_name(free))
        chosen[path] = free
    return chosen


def _unused_names(names: Mapping[Path, list[str]], out_dir: Path, by_content: bool) -> dict[Path, list[str]]:
    """Of the names for each photograph those that no other photograph's results have, or the one that its own have."""
    try:
        names_there = [path.name for path in out_dir.iterdir() if path.name.lower().endswith(SIDECAR_SUFFIX)]
    except OSError:
        return dict(names)
    there = {same_name(name): name for name in names_there}
    left: dict[Path, list[str]] = {}
    for path, all_names in names.items():
        owners = {
            name: result_owner(out_dir / there[key], path, by_content=by_content)
            for name in dict.fromkeys(all_names)
            if (key := same_name(name + SIDECAR_SUFFIX)) in there
        }
        own = [name for name, owner in owners.items() if owner == "this"]
        left[path] = own[:1] or [name for name in all_names if owners.get(name) != "another"]
        number = 2
        while not left[path]:  # each of its names is another's, which was in the same place before
            name = f"{all_names[-1]}_{number}"
            key, number = same_name(name + SIDECAR_SUFFIX), number + 1
            if key not in there or result_owner(out_dir / there[key], path, by_content=by_content) != "another":
                left[path] = [name]
    return left


def result_owner(
    sidecar: Path,
    photo: Path | None,
    sha256: str | None = None,
    *,
    by_content: bool = True,
    origin: str | None = None,
) -> Literal["this", "another", "unknown"]:
    """Whose results a side-car tells of: of the photograph in ``photo``, with this hash of its file, or of another.

    Parameters
    ----------
    photo : its file; None for pixels without one.
    sha256 : of its file, where it is known; else the file is read, unless ``by_content`` is False.
    origin : the address of the object that the file is a copy of.
    """
    try:
        if sidecar.stat().st_size > _SIDECAR_BYTES:
            return "unknown"
        record = json.loads(sidecar.read_bytes())["photograph"]
        file, before = record["file"], record["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "unknown"
    if photo is None:
        return "unknown" if file is None else "another"
    is_path = isinstance(file, str) and Path(file).is_absolute() and file == path_text(photo.absolute())
    if is_path or (origin is not None and file == origin):
        return "this"
    now = (sha256 or file_sha256(photo)) if by_content else ""
    if now is None or (by_content and not isinstance(before, str)):
        return "unknown"
    return "this" if now == before else "another"


def resolve_fov(choice: "FovOption | MaskFolder", path: Path | None, image: FundusImage) -> FieldOfView:
    """The field of view of a photograph, as chosen.

    Parameters
    ----------
    choice : see ``FovOption``; for many photographs a ``MaskFolder``, which is looked through once.
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
    return read_fov_of(fov_file(choice, path), image)


def fov_file(choice: "Path | MaskFolder", path: Path | None) -> Path:
    """The mask file of a photograph, for a choice that is a mask file or a folder of masks. Raises FieldOfViewError."""
    folder = mask_folder(choice)
    if not isinstance(folder, MaskFolder):
        return Path(folder)
    if path is None:
        raise FieldOfViewError(
            f"The photograph has no name by which its mask could be found in {display_path(folder.path)}."
        )
    return folder.find(path)


def mask_folder(choice: "FovOption | MaskFolder") -> "FovOption | MaskFolder":
    """The same choice, with a folder of masks looked through. Raises FieldOfViewError where it cannot be read."""
    return MaskFolder(choice) if isinstance(choice, Path) and choice.is_dir() else choice


class MaskFolder:
    """A folder of masks for fields of view, looked through once for any number of photographs.

    The mask of a photograph is a picture with the photograph's stem, or else with ``_mask`` behind, or else with
    ``_fov``; small and capital letters are the same, and so are both forms of accents. The photograph itself and masks
    of vessels that this program wrote (they have a side-car) are not meant.
    """

    def __init__(self, folder: Path) -> None:
        """Raises FieldOfViewError where the folder cannot be read."""
        self.path = folder
        self._sidecars = set[str]()
        self._names: dict[str, str] = {}
        """By the stem as it is compared: a name, or of a name that ends so the suffix alone, which many share."""
        self._others: dict[str, list[str]] = {}
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._add(entry.name)
        except OSError as error:
            raise FieldOfViewError(
                f"The folder {display_path(folder)} cannot be read ({error.strerror or error})."
            ) from error

    def _add(self, name: str) -> None:
        if name.lower().endswith(SIDECAR_SUFFIX):
            self._sidecars.add(same_name(name))
        elif is_photo_path(path := Path(name)):
            written = photo_stem(path)
            stem = same_name(written)
            if stem in self._names:
                self._others.setdefault(stem, []).append(name)
            else:
                self._names[stem] = sys.intern(name[len(written) :]) if stem == written else name

    def _of_stem(self, stem: str) -> list[Path]:
        """The masks of a stem as it is compared."""
        name = self._names.get(stem)
        if name is None:
            return []
        first = stem + name if name.startswith(".") else name
        return [self.path / each for each in sorted([first, *self._others.get(stem, ())])]

    def find(self, photo: Path) -> Path:
        """The mask of a photograph.

        Raises
        ------
        FieldOfViewError : there is none, or more than one with the same stem.
        """
        stem = photo_stem(photo)
        for ending in _FOV_ENDINGS:
            found = [path for path in self._of_stem(same_name(stem + ending)) if not _same(path, photo)]
            if ending == "_mask" and same_name(stem + SIDECAR_SUFFIX) in self._sidecars:
                found = [path for path in found if path.suffix.lower() != ".png"]
            if len(found) > 1:
                several = " and ".join(display_path(path.name) for path in found)
                raise FieldOfViewError(
                    f"{display_path(self.path)} has more than one mask for {display_path(photo.name)}: {several}. "
                    "Keep only one of them."
                )
            if found:
                return found[0]
        raise FieldOfViewError(
            f"{display_path(self.path)} has no mask for {display_path(photo.name)}. It would be called "
            f"{display_path(stem)}, {display_path(stem)}_mask or {display_path(stem)}_fov with the suffix of a "
            "picture. Add it, or let the field of view be found in the photograph."
        )


def _names(path: Path) -> list[str]:
    """Names for the results of a photograph, from short to long."""
    stem = photo_stem(path)
    kind = path.name[len(stem) :].strip(".").replace(".", "_")
    folders = [part for part in path.absolute().parts[1:-1] if part != ".."]
    longer = ["_".join([*folders[-count:], stem, kind]) for count in range(1, len(folders) + 1)]
    return [safe_name(name) for name in (stem, "_".join([*folders[-1:], stem]), *longer)]


def safe_name(name: str) -> str:
    """A name that can be printed, and written on any disk that takes the photograph's."""
    return UNPRINTABLE.sub(lambda found: "".join(f"%{byte:02X}" for byte in os.fsencode(found[0])), name)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False

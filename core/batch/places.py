"""Where the results of each photograph go: the tree of the input again, and no name meets another."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from core.batch.stores import address_at
from core.photo.sibling_files import photo_stem, safe_name
from core.photo.walking import same_name


def common_root(folders: Iterable[Path]) -> Path:
    """The deepest folder that holds all folders; of different drives of Windows the root of the first."""
    whole = [str(each.absolute()) for each in folders]
    try:
        return Path(os.path.commonpath(whole))
    except ValueError:
        return Path(Path(whole[0]).anchor)


def pattern_root(pattern: str) -> Path:
    """The folder that a pattern starts from: what comes before its first ``*``, ``?`` or ``[``."""
    fixed = []
    for part in Path(pattern).parts[:-1]:
        if any(character in part for character in "*?["):
            break
        fixed.append(part)
    return Path(*fixed)


def new_places(photos: Sequence[Path], root: Path, taken: Mapping[Path, str]) -> dict[Path, str]:
    """Where the results of photographs go that have no place yet.

    The path below ``root`` without the suffix, with ``/``. Photographs that differ in nothing else get their suffix
    behind (``a_png``, ``a_jpg``), and what is left the same a number. Small and capital letters are the same.

    Parameters
    ----------
    taken : the places that are given already.
    """
    folders: dict[Path, str] = {}
    usual: dict[Path, str] = {}
    for photo in photos:
        if photo not in taken:
            folder = photo.parent
            if folder not in folders:
                folders[folder] = _folder(folder, root)
            usual[photo] = folders[folder] + safe_name(photo_stem(photo))
    keys = {photo: same_name(place) for photo, place in usual.items()}
    times = Counter(keys.values())
    used = {same_name(place) for place in taken.values()}
    alone = {photo for photo, key in keys.items() if times[key] == 1 and key not in used}
    used.update(keys[photo] for photo in alone)
    chosen = {photo: usual[photo] for photo in alone}
    for photo in sorted(usual.keys() - alone):
        place = usual[photo] + _kind(photo)
        free, number = place, 2
        while same_name(free) in used:
            free, number = f"{place}_{number}", number + 1
        used.add(same_name(free))
        chosen[photo] = free
    return {photo: chosen[photo] for photo in usual}


def _folder(folder: Path, root: Path) -> str:
    """The folder of results for those of a folder of photographs, with a slash at its end; empty for the root."""
    whole = folder.absolute()
    address = address_at(whole)
    if address is not None and address_at(root) is None:  # an object among files of this machine
        parts = tuple(address.replace("://", "/").split("/"))
        return "".join(f"{safe_name(part)}/" for part in parts if part)
    try:
        parts = whole.relative_to(root).parts
    except ValueError:  # outside: the whole path
        parts = whole.parts[1:]
    return "".join(f"{'_up' if part == '..' else safe_name(part)}/" for part in parts)


def _kind(photo: Path) -> str:
    kind = photo.name[len(photo_stem(photo)) :].strip(".").replace(".", "_")
    return f"_{safe_name(kind)}" if kind else ""

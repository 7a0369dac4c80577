"""Where the results of each photograph go: the tree of the input again."""

import os
from collections.abc import Iterable
from pathlib import Path

from core.batch.stores import address_at
from core.photo.sibling_files import photo_stem, safe_name


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


def usual_folder(folder: Path, root: Path) -> str:
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


def kind_of(photo: Path) -> str:
    """The suffix of a photograph as the end of a name, such as ``_png``; empty where it has none."""
    kind = photo.name[len(photo_stem(photo)) :].strip(".").replace(".", "_")
    return f"_{safe_name(kind)}" if kind else ""

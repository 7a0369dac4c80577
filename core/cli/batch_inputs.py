"""From what is given to ``serr batch`` to the photographs, where they are, and how their results are made."""

import hashlib
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.batch.archives import UNPACKED, is_archive, look_into, unpack
from core.batch.lists import Listed, is_list, read_list
from core.batch.places import common_root, pattern_root
from core.batch.plan import BATCH_FOLDER, as_listed
from core.batch.stores import address_at, address_of, fetched_path, photos_at, plain_path
from core.cli.console import UsageError, monitored, tell
from core.cli.inputs import photo_inputs
from core.cli.options import (
    ALL_KINDS,
    checked_fov,
    checked_kinds,
    checked_threshold,
    checked_tta,
    found_model,
    refined_rule,
)
from core.files import display_path
from core.photo.sibling_files import safe_name
from core.photo.walking import same_name

if TYPE_CHECKING:
    from core.batch.options import BatchOptions


@dataclass(frozen=True, slots=True)
class Gathered:
    """Photographs by absolute paths, each once; the folder that they are all in; whether something was not found."""

    photos: tuple[Listed, ...]
    root: Path
    failed: bool


def where_of(given: Path, work: Path | None = None) -> tuple[Path, str]:
    """The folder of a batch, and the address where its results are published, if that is in a store.

    Parameters
    ----------
    given : the folder of the results, or their address.
    work : the folder for the manifests of one whose results are in a store; else one in the user's data folder.
    """
    address = address_of(given)
    if address is None:
        if work is not None:
            raise UsageError("--work is for results in an object store, such as --out s3://bucket/results.")
        return Path(plain_path(str(given))), ""
    if work is not None:
        return work, address
    from platformdirs import user_data_path

    name = f"{safe_name(address.rpartition('/')[2])}-{hashlib.sha256(address.encode()).hexdigest()[:12]}"
    return user_data_path("serr-fundus", appauthor=False) / "batches" / name, address


def gather(given: Sequence[str], column: str | None, out: Path, *, dry: bool = False, store: str = "") -> Gathered:
    """Photographs of folders with all below, patterns, files and lists, of archives, or of object stores. What is left
    out is said on stderr.

    Parameters
    ----------
    out : the folder of the batch, in which archives are unpacked; ``dry``: they are not.
    store : where the results are published; nothing below is taken for a photograph.

    Raises
    ------
    UsageError : there are none. InputError : a list, an archive or an address cannot be used. OutputError : there is no
    room. StoreError : a store cannot be listed.
    """
    given = [plain_path(text) for text in given]
    archives = [Path(text) for text in given if is_archive(Path(text))]
    if archives:
        if len(archives) < len(given):
            raise UsageError("archives (.zip) are a batch of their own: unpack them, or give the rest another --out.")
        return _of_archives(archives, out.absolute() / BATCH_FOLDER, dry=dry)
    lists = [Path(text) for text in given if is_list(Path(text))]
    addresses = [address for address in map(address_of, given) if address is not None]
    others = [text for text in given if not is_list(Path(text)) and address_of(text) is None]
    if column is not None and not lists:
        raise UsageError("--column is for lists, and no CSV file is given.")
    folder = out.absolute() / BATCH_FOLDER
    listed = [_here(photo, folder) for file in lists for photo in read_list(file, column)]
    failed = False
    roots = [photo.path.absolute().parent for photo in listed]
    if others:
        inputs = photo_inputs(others, recursive=True)
        inputs.tell_rest()
        failed = bool(inputs.failed)
        listed += [Listed(path, {}) for path in inputs.photos]
        roots += [_root(text) for text in others]
    for address in addresses:
        found, root = photos_at(address, folder, without=store)
        listed += as_listed(found)
        roots.append(root)
    photos: dict[str, Listed] = {}
    for photo in listed:
        photos.setdefault(os.path.realpath(photo.path), replace(photo, path=_absolute(photo.path)))
    of_files = [root for root in roots if address_at(root) is None]
    return Gathered(tuple(photos.values()), common_root(_absolute(root) for root in of_files or roots), failed)


def _of_archives(archives: Sequence[Path], folder: Path, *, dry: bool) -> Gathered:
    twice = [one for one in archives if sum(same_name(one.stem) == same_name(each.stem) for each in archives) > 1]
    if twice:
        raise UsageError(f"several archives are called {display_path(twice[0].name)}. Rename all but one of them.")
    photos: list[Listed] = []
    roots, failed = [], False
    for file in archives:
        with monitored() as monitor:
            found = look_into(file, folder) if dry else unpack(file, folder, monitor)
        for sentence in found.problems:
            failed = True
            tell(f"serr: {sentence}")
        photos += [Listed(path, {}) for path in found.photos]
        roots.append(found.root)
    return Gathered(tuple(photos), roots[0] if len(roots) == 1 else folder / UNPACKED, failed)


def options_of(given: Mapping[str, Any], before: "BatchOptions | None") -> "BatchOptions":
    """The options of a batch: those that are given, else those that it has already, else the usual ones.

    With another model the threshold is that model's own, where none is given. Raises UsageError, WeightsError.
    """
    checked_threshold(given["threshold"])
    tta = None if given["tta"] is None else checked_tta(given["tta"])
    fov = given["fov"]
    if fov is not None and fov not in {"auto", "full"}:
        fov = str(Path(checked_fov(fov)).absolute())
    kinds = None if given["save"] is None else tuple(sorted(checked_kinds(given["save"]) - {"sidecar"}))

    from core.batch.options import BatchOptions
    from core.models.catalogue import DEFAULT_MODEL, load_model

    usual = before or BatchOptions(
        DEFAULT_MODEL, "", "", 0, kinds=tuple(sorted(checked_kinds(ALL_KINDS) - {"sidecar"}))
    )
    name = given["model"] or usual.model
    path = found_model(name)
    loaded = load_model(path)
    rule, own = loaded.card.rule, usual.is_own_rule or (before is not None and loaded.sha256 != before.model_sha256)
    parts = [given[name] for name in ("threshold", "low", "min_pixels")]
    if not own:
        rule = usual.rule
        parts = [
            kept if part is None else part for part, kept in zip(parts, (None, rule.low, rule.min_pixels), strict=True)
        ]
    if any(part is not None for part in parts):
        threshold, low, min_pixels = parts
        rule, own = refined_rule(threshold, rule, low, min_pixels or 0) or rule, False
    return BatchOptions(
        model=str(path.absolute()) if os.path.sep in name or path == Path(name).expanduser() else name,
        model_name=loaded.card.name,
        model_sha256=loaded.sha256,
        level=rule.level,
        low_level=rule.low_level,
        min_pixels=rule.min_pixels,
        is_own_rule=own,
        tta=tta or usual.tta,
        fov=fov or usual.fov,
        kinds=usual.kinds if kinds is None else kinds,
        float_probability=usual.float_probability if given["as_float"] is None else given["as_float"],
    )


def program() -> str:
    """How this program is started, for a shell."""
    started = Path(sys.argv[0]).absolute()
    if started.stem == "serr":
        return shlex.quote(str(started))
    return f"{shlex.quote(sys.executable)} -m core.cli"


def _here(photo: Listed, folder: Path) -> Listed:
    """A photograph of a list; where that names an address, by the path that it has here."""
    address = address_of(photo.path)
    return photo if address is None else replace(photo, path=fetched_path(folder, address))


def _absolute(path: Path) -> Path:
    return path.resolve() if ".." in path.parts else path.absolute()


def _root(text: str) -> Path:
    path = Path(text)
    if path.is_dir():
        return path
    return path.parent if os.path.lexists(path) else pattern_root(text)

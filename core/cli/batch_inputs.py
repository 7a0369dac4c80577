"""From what is given to ``serr batch`` to the photographs, where they are, and how their results are made."""

import glob
import hashlib
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.batch.archives import UNPACKED, is_archive, look_into, unpack
from core.batch.gathering import Gathering, absolute
from core.batch.listing import photos_at
from core.batch.lists import Listed, is_list, read_list
from core.batch.places import common_root, pattern_root
from core.batch.plan import BATCH_FOLDER, as_listed
from core.batch.stores import address_at, address_of, fetched_path, plain_path
from core.cli.console import UsageError, monitored, tell
from core.cli.inputs import inputs_of
from core.cli.options import (
    ALL_KINDS,
    checked_engine,
    checked_fov,
    checked_kinds,
    checked_tta,
    found_model,
)
from core.cli.rule_options import RuleChoice
from core.errors import InputError
from core.files import display_path
from core.photo.finding import FolderPhotos, LeftOut, photos_below, photos_of_folder, without_own_results
from core.photo.given import Found, Place
from core.photo.sibling_files import safe_name
from core.photo.walking import matches, same_name

if TYPE_CHECKING:
    from core.batch.options import BatchOptions
    from core.models.model_card import ModelCard
    from core.threshold_rule import ThresholdRule


@dataclass(frozen=True, slots=True)
class Gathered:
    """Photographs, each once; the folder that they are all in; whether something was not found."""

    photos: Gathering
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


@contextmanager
def gather(
    given: Sequence[str], column: str | None, out: Path, *, dry: bool = False, store: str = ""
) -> Iterator[Gathered]:
    """Photographs of folders with all below, patterns, files and lists, of archives, or of object stores; for ``with``.
    What is left out is said on stderr.

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
    folder = out.absolute() / BATCH_FOLDER
    archives = [Path(text) for text in given if is_archive(Path(text))]
    if archives and len(archives) < len(given):
        raise UsageError("archives (.zip) are a batch of their own: unpack them, or give the rest another --out.")
    lists = [Path(text) for text in given if is_list(Path(text))]
    addresses = [address for address in map(address_of, given) if address is not None]
    others = [text for text in given if not is_list(Path(text)) and address_of(text) is None]
    if column is not None and not lists and not archives:
        raise UsageError("--column is for lists, and no CSV file is given.")
    with Gathering() as photos:
        if archives:
            yield _of_archives(archives, folder, photos, dry=dry)
            return
        roots = _Roots()
        sources = [(file, photos.add(_of_list(file, column, folder, roots))) for file in lists]
        places = _Places(others, photos, roots) if others else None
        for address in addresses:
            with photos_at(address, folder, without=store) as found:
                photos.add(as_listed(found))
                roots.add(found.root)
        again = photos.settle()
        for file, source in sources:
            if count := again.get(source, 0):
                rows = "1 row names a photograph" if count == 1 else f"{count} rows name photographs"
                tell(f"serr: {display_path(file)}: {rows} again. What the first of its rows says counts.")
        yield Gathered(photos, roots.common, places.said(again) if places is not None else False)


class _Roots:
    """The folder that all photographs are in: of files of this machine, where there are some among objects."""

    def __init__(self) -> None:
        self._commons: dict[bool, str] = {}

    def add(self, folder: Path | str) -> None:
        text = os.fspath(folder)
        if any(f"{text}{os.sep}".startswith(f"{common}{os.sep}") for common in self._commons.values()):
            return
        is_object = address_at(Path(text)) is not None
        before = [Path(self._commons[is_object])] if is_object in self._commons else []
        self._commons[is_object] = str(common_root([*before, absolute(Path(text))]))

    @property
    def common(self) -> Path:
        return Path(self._commons.get(False) or self._commons[True])


class _Places:
    """The photographs of folders, patterns and single files, which are added folder by folder.

    Parameters
    ----------
    given : as the user has named them.
    """

    def __init__(self, given: Sequence[str], photos: Gathering, roots: _Roots) -> None:
        self._photos, self._places = photos, dict[int, Place]()
        paths = [Path(text) for text in given]
        named, self._own = without_own_results([path for path in paths if not path.is_dir()])
        self._any: list[Path] = []
        for path in paths:
            roots.add(absolute(_root(path)))
            if path.is_dir():
                self._add(path, photos_below(absolute(path)))
            elif not os.path.lexists(path) and glob.has_magic(str(path)):
                folders = photos.in_natural_order(matches(str(absolute(path))))
                self._add(path, (part for folder, names in folders for part in photos_of_folder(folder, names)))
            elif path in named:
                self._any = self._any or [path]
                photos.add(as_listed([absolute(path)]))

    def _add(self, path: Path, parts: Iterable[FolderPhotos]) -> None:
        left_out, first = LeftOut(), list[Path]()

        def each() -> Iterator[Path]:
            nonlocal left_out
            for part in parts:
                left_out += part.left_out
                first.extend(part.photos[: 1 - len(first)])
                yield from part.photos

        problem = ""
        try:
            source = self._photos.add(as_listed(each()), links_last=True)
        except InputError as error:
            source, problem = -len(self._places), str(error)
        self._places[source] = Place(path, FolderPhotos(tuple(first), left_out), problem)
        self._any = self._any or first

    def said(self, again: Mapping[int, int]) -> bool:
        """Say what was left out; whether something was not found. ``again`` : of ``Gathering.settle``.

        Raises
        ------
        UsageError : there are no photographs.
        """
        places = []
        for source, place in self._places.items():
            names = LeftOut(Counter({"again": again.get(source, 0)}))
            places.append(replace(place, found=replace(place.found, left_out=place.found.left_out + names)))
        inputs = inputs_of(Found(tuple(self._any), tuple(places), self._own))
        inputs.tell_rest()
        return bool(inputs.failed)


def _of_list(file: Path, column: str | None, folder: Path, roots: _Roots) -> Iterator[Listed]:
    """The photographs of a list; where it names addresses, by the paths that they have here."""
    for photo in read_list(file, column):
        address = address_of(photo.path)
        path = absolute(photo.path) if address is None else fetched_path(folder, address)
        roots.add(os.path.dirname(path))  # noqa: PTH120 - a million times
        yield Listed(path, photo.columns)


def _of_archives(archives: Sequence[Path], folder: Path, photos: Gathering, *, dry: bool) -> Gathered:
    twice = [one for one in archives if sum(same_name(one.stem) == same_name(each.stem) for each in archives) > 1]
    if twice:
        raise UsageError(f"several archives are called {display_path(twice[0].name)}. Rename all but one of them.")
    roots, failed = [], False
    for file in archives:
        with monitored() as monitor:
            found = look_into(file, folder) if dry else unpack(file, folder, monitor)
        for sentence in found.problems:
            failed = True
            tell(f"serr: {sentence}")
        photos.add(as_listed(found.photos))
        roots.append(found.root)
    photos.settle()
    return Gathered(photos, roots[0] if len(roots) == 1 else folder / UNPACKED, failed)


def options_of(given: Mapping[str, Any], before: "BatchOptions | None") -> "BatchOptions":
    """The options of a batch: those that are given, else those that it has already, else the usual ones.

    With another model the threshold is that model's own, where none is given. Raises UsageError, WeightsError.
    """
    RuleChoice(given["threshold"], given["low"], given["min_pixels"] or 0, given["draw_like"])  # its checks, at once
    tta = None if given["tta"] is None else checked_tta(given["tta"])
    engine = None if given["engine"] is None else checked_engine(given["engine"], "auto")
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
    another = before is not None and loaded.sha256 != before.model_sha256
    rule = _rule_of(given, None if usual.is_own_rule or another else usual.rule, loaded.card)
    return BatchOptions(
        model=str(path.absolute()) if os.path.sep in name or path == Path(name).expanduser() else name,
        model_name=loaded.card.name,
        model_sha256=loaded.sha256,
        model_applied=loaded.card.applied_sha256,
        level=(rule or loaded.card.rule).level,
        low_level=rule.low_level if rule else None,
        min_pixels=rule.min_pixels if rule else 0,
        is_own_rule=rule is None,
        style=rule.style if rule else "",
        tta=tta or usual.tta,
        engine=engine or usual.engine,
        fov=fov or usual.fov,
        kinds=usual.kinds if kinds is None else kinds,
        float_probability=usual.float_probability if given["as_float"] is None else given["as_float"],
    )


def _rule_of(given: Mapping[str, Any], before: "ThresholdRule | None", card: "ModelCard") -> "ThresholdRule | None":
    """The rule that is asked for, with what the batch has where nothing is given; None for the model's own."""
    threshold, draw_like, low, min_pixels = (given[name] for name in ("threshold", "draw_like", "low", "min_pixels"))
    if all(value is None for value in (threshold, draw_like, low, min_pixels)):
        return before
    if before is not None:
        low = before.low if low is None else low
        min_pixels = before.min_pixels if min_pixels is None else min_pixels
    asked = RuleChoice(threshold, low, min_pixels or 0, draw_like)
    if draw_like is not None:
        return asked.of(card)
    return asked.over(card.rule if before is None else replace(before, low_level=None, min_pixels=0))


def program() -> str:
    """How this program is started, for a shell."""
    started = Path(sys.argv[0]).absolute()
    if started.stem == "serr":
        return shlex.quote(str(started))
    return f"{shlex.quote(sys.executable)} -m core.cli"


def _root(path: Path) -> Path:
    if path.is_dir():
        return path
    return path.parent if os.path.lexists(path) else pattern_root(str(path))

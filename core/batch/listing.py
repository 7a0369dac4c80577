"""The photographs below an address of an object store: listed page by page, and sorted on the disk."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from http import HTTPStatus
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from core.batch.stores import PATTERN, explained, fetched_path, store
from core.errors import InputError
from core.files import display_path
from core.photo.folder_names import FolderNames
from core.photo.reading import is_photo_path
from core.photo.temporary_base import explained as sorting_explained
from core.photo.temporary_base import temporary_base
from core.photo.walking import natural_bytes

_CACHE_KB: Final = 32 << 10
_PAGE: Final = 1_000
"""Objects of a page, the most that all stores give at once."""
_TABLES: Final = """
CREATE TABLE objects (folder TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE photos (sort BLOB NOT NULL, address TEXT NOT NULL);
"""


class StorePhotos:
    """The photographs of an address by the paths that they have here, in natural order, when iterated over.

    ``root`` : the folder that they are all in.
    """

    def __init__(self, base: sqlite3.Connection, address: str, folder: Path, without: str) -> None:
        self._base, self._folder = base, folder
        with sorting_explained():
            self._base.executemany("INSERT INTO objects VALUES (?, ?)", _objects(address, without))
            self._base.executemany("INSERT INTO photos VALUES (?, ?)", self._photographs())
            some = [each for (each,) in self._base.execute("SELECT address FROM photos LIMIT 2")]
        if not some:
            raise InputError(f"There are no photographs in {display_path(address)}. Check the address.")
        is_pattern = PATTERN.search(address) is not None
        above = PATTERN.split(address)[0] if is_pattern else address
        is_inside = is_pattern or some == [address]
        self.root = fetched_path(folder, above.rpartition("/")[0] if is_inside else above)

    def __iter__(self) -> Iterator[Path]:
        with sorting_explained():
            for (address,) in self._base.execute("SELECT address FROM photos ORDER BY sort"):
                yield fetched_path(self._folder, address)

    def _photographs(self) -> Iterator[tuple[bytes, str]]:
        rows = self._base.execute("SELECT folder, name FROM objects ORDER BY folder")
        for folder, group in groupby(rows, key=itemgetter(0)):
            with FolderNames() as names:
                for _, name in group:
                    names.know(name, wanted=is_photo_path(Path(name)))
                for name, role in names.roles():
                    if role == "photograph":
                        yield natural_bytes(f"{folder}/{name}"), f"{folder}/{name}"


@contextmanager
def photos_at(address: str, folder: Path, *, without: str = "") -> Iterator[StorePhotos]:
    """The photographs of a prefix with all below, of a pattern, or an object alone; for ``with``.

    Parameters
    ----------
    folder : of the manifests. ``without`` : an address below which nothing is taken, that of the results.

    Raises
    ------
    InputError : there are none, or a package is missing. StoreError : the store cannot be listed. OutputError : the
    folder for temporary files is full.
    """
    with closing(temporary_base(_TABLES, _CACHE_KB)) as base:
        yield StorePhotos(base, address, folder, without)


def _objects(address: str, without: str) -> Iterator[tuple[str, str]]:
    scheme = address.partition("://")[0]
    with explained(address):
        for key in _keys(store(address), address):
            parent, _, name = f"{scheme}://{key.lstrip('/')}".rpartition("/")
            if name and not (without and f"{parent}/".startswith(f"{without}/")):
                yield parent, name


def _keys(system: Any, address: str) -> Iterable[str]:
    """The objects of an address, one page of the store's answer at a time; those of a pattern at once."""
    read = _PAGES.get(address.partition("://")[0])
    if read is not None and not PATTERN.search(address):
        return _below(system, address, read)
    find = system.glob if PATTERN.search(address) else system.find
    return (key for key, info in find(address, detail=True).items() if info["type"] == "file")


def _below(system: Any, address: str, read: "_Read") -> Iterator[str]:
    """What is below a prefix, or the object alone."""
    bucket, key = system.split_path(address)[:2]
    is_empty = True
    for page in read(system, bucket, f"{key}/" if key else ""):
        for name in page:
            is_empty = False
            yield f"{bucket}/{name}"
    if is_empty and key and key in next(read(system, bucket, key), []):  # itself the first that begins with its name
        yield f"{bucket}/{key}"


# fsspec itself lists at once. Each of these asks by what the package of the store offers for any question.


def _s3_pages(system: Any, bucket: str, prefix: str) -> Iterator[list[str]]:
    asked = {"Bucket": bucket, "Prefix": prefix, **system.req_kw}
    while True:
        page = system.call_s3("list_objects_v2", **asked)
        yield [each["Key"] for each in page.get("Contents", ())]
        if not page.get("IsTruncated"):
            return
        asked["ContinuationToken"] = page["NextContinuationToken"]


def _google_pages(system: Any, bucket: str, prefix: str) -> Iterator[list[str]]:
    asked = {"prefix": prefix or None, "maxResults": _PAGE, "fields": "items/name,nextPageToken"}
    while True:
        page = system.call("GET", "b/{}/o", bucket, json_out=True, **asked)
        yield [each["name"] for each in page.get("items", ())]
        if "nextPageToken" not in page:
            return
        asked["pageToken"] = page["nextPageToken"]


def _azure_pages(system: Any, container: str, prefix: str) -> Iterator[list[str]]:
    from fsspec.asyn import sync

    blobs = system.service_client.get_container_client(container).list_blobs(
        name_starts_with=prefix or None, include=["metadata"], results_per_page=_PAGE
    )
    pages = blobs.by_page()
    while True:
        try:
            page = sync(system.loop, _next_names, pages)
        except Exception as error:
            if getattr(error, "status_code", None) == HTTPStatus.NOT_FOUND:  # Azure has kinds of errors of its own
                raise FileNotFoundError(container) from None
            raise
        if page is None:
            return
        yield page


async def _next_names(pages: Any) -> list[str] | None:
    """Of the next page, None behind the last one. A folder of a hierarchical namespace is listed as an empty blob."""
    page = await anext(pages, None)
    if page is None:
        return None
    return [blob.name async for blob in page if (blob.metadata or {}).get("hdi_isfolder") != "true"]


_Read = Callable[[Any, str, str], Iterator[list[str]]]
"""The names of the objects of a bucket that begin with a prefix, page by page, by the package of the store."""
_PAGES: Final[Mapping[str, _Read]] = {
    "s3": _s3_pages,
    **dict.fromkeys(("gs", "gcs"), _google_pages),
    **dict.fromkeys(("az", "abfs", "abfss"), _azure_pages),
}

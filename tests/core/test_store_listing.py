"""Listing an object store reads page by page, whatever its kind, and holds no more for more objects."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from core.batch import stores
from core.batch.listing import photos_at
from core.errors import InputError
from core.photo import folder_names, naming
from tests.object_stores import ACCOUNT, CONNECTION, Stores, serving

PAGE = 50
FEW, MANY = 400, 2_400
MOST_MORE = 500_000
"""Bytes more at once for 2,000 objects more: fsspec's own listing holds more than 1,000 for each."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    """Both kinds of store with a bucket, found by the environment as the program finds them."""
    with serving("eyes", PAGE) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.address)
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", CONNECTION.format(ACCOUNT, server.address))
        monkeypatch.setitem(fsspec.config.conf, "gs", {"token": "anon"})
        forget_connections()
        yield server
        forget_connections()


def forget_connections() -> None:
    """The next test has another server."""
    stores._system.cache_clear()
    for scheme in ("gs", "az"):
        fsspec.get_filesystem_class(scheme).clear_instance_cache()


def found(address: str, tmp_path: Path) -> list[str]:
    with photos_at(address, tmp_path, without=f"{address}/out") as photos:
        return [path.relative_to(photos.root).as_posix() for path in photos]


@pytest.mark.parametrize("scheme", ["gs", "az"])
def test_pages_give_each_photograph_once_in_natural_order(scheme: str, server: Stores, tmp_path: Path) -> None:
    server.page = 2
    server.folders = {"in/b.png"}
    names = ["2.png", "10.png", "a/b 10/1.png", "a/b 9/1.png", "a/2.tif", "a/2_gt.png", "a/notes.txt", "out/3.png"]
    beside = ["inside/1.png", "in.png"]
    server.names = sorted([*(f"in/{name}" for name in names), *beside, *server.folders])
    wanted = ["2.png", "10.png", "a/2.tif", "a/b 9/1.png", "a/b 10/1.png"]
    assert found(f"{scheme}://eyes/in", tmp_path) == [*wanted, *(["b.png"] if scheme == "gs" else [])]
    assert server.asked == 5
    assert found(f"{scheme}://eyes/in/a/2_gt.png", tmp_path) == ["2_gt.png"]
    for missing in ("eyes/in/none", "eyes/none.png"):
        with pytest.raises(InputError, match="no photographs in"):
            found(f"{scheme}://{missing}", tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        found(f"{scheme}://other/in", tmp_path)


@pytest.mark.parametrize("scheme", ["gs", "az"])
def test_more_objects_take_no_more_memory(
    scheme: str, server: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_names, "AT_ONCE", 100)
    monkeypatch.setattr(naming, "_of_stem", naming._of_stem.__wrapped__)  # without what it remembers of 65,536 names
    peaks = []
    for count in (10, FEW, MANY):  # the first fills what Python and the packages keep
        server.names = [f"in/{number // 100:03}/{number:05}.png" for number in range(count)]
        tracemalloc.start()
        try:
            with photos_at(f"{scheme}://eyes/in", tmp_path) as photos:
                assert sum(1 for _ in photos) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[2] - peaks[1] < MOST_MORE, peaks

"""Batches whose photographs and results are in object stores: a local S3 server, and the memory of this process."""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import fsspec
import pytest
from fsspec.registry import _registry
from pyarrow.parquet import read_table

from core.batch.listing import photos_at
from core.batch.plan import find_batch
from core.batch.stores import address_at, address_of, fetched, fetched_path, plain_path, store
from core.cli import main
from core.errors import InputError, OutputError
from core.sidecar import read_sidecar
from tests.cli.program import write_photo
from tests.core.test_batch_kills import untrained

s3fs = pytest.importorskip("s3fs", reason="the extra 'stores' is not installed: pip install 'serr-fundus[stores]'")
KEY, SECRET = "AKIDSERRTESTKEY00001", "do-not-write-this-anywhere-0123456789"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server on this machine; gives its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A file system of a bucket of its own, by the environment, as the program finds it."""
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    system = s3fs.S3FileSystem(use_listings_cache=False)
    system.mkdir("eyes")
    yield system
    system.rm("eyes", recursive=True)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for number, name in enumerate(("2020/OD 1.png", "2020/ä%.png", "2021/OD 1.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_photo(folder / name, 64 + number, 64)
    (folder / "2020" / "OD 1_manual1.png").write_bytes((folder / "2020" / "OD 1.png").read_bytes())
    (folder / "2021" / "bad.png").write_text("no picture")
    return folder


def rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        return {row["result"]: row for row in csv.DictReader(file)}


def test_a_cohort_goes_from_a_bucket_to_a_bucket_and_is_continued(
    s3: Any, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, work = untrained(tmp_path / "small.safetensors"), tmp_path / "work"
    s3.put(str(photos), "eyes/in", recursive=True)
    command = ["batch", "run", "s3://eyes/in", "--out", "s3://eyes/out", "--work", str(work)]
    command += ["--model", str(weights), "--fov", "full"]

    assert main(command) == 1  # one photograph is bad
    found = rows(work)
    assert {name: row["state"] for name, row in found.items()} == {
        **{"2020/OD 1": "done", "2020/ä%25": "done", "2021/OD 1": "done"},
        "2021/bad": "failed",
    }
    assert found["2020/ä%25"]["file"] == "s3://eyes/in/2020/ä%.png"
    published = {key.removeprefix("eyes/out/"): info for key, info in s3.find("eyes/out", detail=True).items()}
    endings = ("_mask.png", "_probability.png", "_overlay.png", ".serr.json")
    done = [name for name, row in found.items() if row["state"] == "done"]
    assert set(published) == {"summary.csv", *(f"{name}{ending}" for name in done for ending in endings)}
    assert not [path for path in work.rglob("*") if path.name.endswith((".png", ".serr.json"))]

    s3.get("eyes/out/2020", str(tmp_path / "there"), recursive=True)
    sidecar = read_sidecar(tmp_path / "there" / "OD 1.serr.json")
    assert sidecar.record["photograph"]["file"] == "s3://eyes/in/2020/OD 1.png"
    own = tmp_path / "own"
    assert main(["segment", str(photos / "2020" / "OD 1.png"), "--out", str(own), *command[-4:]]) == 0
    assert (own / "OD 1_mask.png").read_bytes() == (tmp_path / "there" / "OD 1_mask.png").read_bytes()

    # One photograph is another now, one result is gone, one photograph has only been copied again.
    write_photo(photos / "2020" / "OD 1.png", 80, 64)
    for name in ("2020/OD 1.png", "2020/ä%.png"):
        s3.put_file(str(photos / name), f"eyes/in/{name}")
    s3.rm_file("eyes/out/2021/OD 1.serr.json")
    capsys.readouterr()
    assert main(["batch", "run", "s3://eyes/out", "--work", str(work), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["counts"]["done"] == 3
    later = s3.find("eyes/out", detail=True)
    again = {
        name for name, info in published.items() if later[f"eyes/out/{name}"]["LastModified"] != info["LastModified"]
    }
    assert {name.removesuffix(".serr.json") for name in again if name.endswith(".json")} == {"2020/OD 1", "2021/OD 1"}
    assert cv2.imdecode(_bytes(s3, "eyes/out/2020/OD 1_mask.png"), 0).shape == (80, 64)

    # Another machine without the manifest: what is whole in the store is not made again.
    times = {key: info["LastModified"] for key, info in later.items() if key != "eyes/out/summary.csv"}
    command[command.index(str(work))] = str(tmp_path / "elsewhere")
    assert main(command) == 1
    now = s3.find("eyes/out", detail=True)
    assert {key: now[key]["LastModified"] for key in times} == times
    assert {row["state"] for row in rows(tmp_path / "elsewhere").values()} == {"done", "failed"}


def _bytes(system: Any, key: str) -> Any:
    import numpy as np

    return np.frombuffer(system.cat_file(key), np.uint8)


def test_credentials_are_in_no_manifest_table_script_or_message(
    s3: Any, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    weights = untrained(tmp_path / "small.safetensors")
    s3.put_file(str(photos / "2020" / "OD 1.png"), "eyes/in/a.png")
    (tmp_path / "work").mkdir()
    command = ["batch", "plan", "s3://eyes/in", "--out", "s3://eyes/out", "--work", str(tmp_path / "work")]
    assert main([*command, "--shards", "2", "--model", str(weights), "--fov", "full"]) == 0
    for shard in ("1", "2"):
        assert main(["batch", "run", str(tmp_path / "work"), "--shard", shard]) == 0
    assert main(["batch", "collect", "s3://eyes/out"]) == 1  # that would be the folder in the user's data
    assert main(["batch", "collect", str(tmp_path / "work"), "--json"]) == 0
    assert main(["batch", "run", "s3://no-such-bucket/in", "--out", str(tmp_path / "x")]) == 1
    assert main(["batch", "run", f"s3://{KEY}:{SECRET}@eyes/in", "--out", str(tmp_path / "x")]) == 1
    assert main(["batch", "run", f"az://eyes/in?sv=1&sig={SECRET}", "--out", str(tmp_path / "x")]) == 1
    said = "".join(capfd.readouterr())
    assert "has credentials in it" in said
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".safetensors"]
    assert any(path.suffix == ".sqlite" for path in files)
    for text in (said.encode(), *(path.read_bytes() for path in files), *map(s3.cat_file, s3.find("eyes/out"))):
        assert SECRET.encode() not in text
        assert KEY.encode() not in text


def test_a_listing_of_many_pages_has_each_photograph_once_in_natural_order(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["2.png", "10.png", "a/b 10/1.png", "a/b 9/1.png", "a/2.tif", "a/2_gt.png", "a/notes.txt", "out/3.png"]
    for name in names:
        s3.pipe_file(f"eyes/in/{name}", b"")
        fsspec.filesystem("memory").pipe_file(f"/eyes/in/{name}", b"")
    s3.pipe_file("eyes/in/folder/", b"")
    monkeypatch.setattr(store("s3://eyes"), "req_kw", {"MaxKeys": 2})

    def found(address: str) -> tuple[list[str], str]:
        with photos_at(address, tmp_path, without=f"{address}/out") as photos:
            root = photos.root.relative_to(tmp_path / "fetched" / address.partition("://")[0])
            return [path.relative_to(photos.root).as_posix() for path in photos], root.as_posix()

    wanted = ["2.png", "10.png", "a/2.tif", "a/b 9/1.png", "a/b 10/1.png"]
    for scheme in ("s3", "memory"):
        assert found(f"{scheme}://eyes/in") == (wanted, "eyes/in")
        assert found(f"{scheme}://eyes/in/a/2_gt.png") == (["2_gt.png"], "eyes/in/a")
        assert found(f"{scheme}://eyes/in/*.png") == (wanted[:2], "eyes/in")
        with pytest.raises(InputError, match="no photographs in"):
            found(f"{scheme}://eyes/in/none")


def test_photographs_of_memory_with_results_here(photos: Path, tmp_path: Path) -> None:
    """A list may name addresses; what is fetched does not stay."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.put(str(photos), "/eyes", recursive=True)
    memory.pipe_file(f"/eyes/{'n' * 300}.png", b"a name that no file here can have")
    listed = tmp_path / "list.csv"
    listed.write_text(
        "path,eye\nmemory://eyes/2020/OD 1.png,OD\nmemory://eyes/none.png,OS\n"
        f"memory://eyes/{'n' * 300}.png,OS\n"
        f"{(photos / '2021' / 'OD 1.png').as_uri()},OD\n",
        encoding="utf-8",
    )
    out, weights = tmp_path / "out", untrained(tmp_path / "small.safetensors")
    assert main(["batch", "run", str(listed), "--out", str(out), "--model", str(weights), "--fov", "full"]) == 1
    by_file = {row["file"]: row for row in rows(out).values()}
    assert by_file["memory://eyes/2020/OD 1.png"]["state"] == "done"
    assert by_file["memory://eyes/2020/OD 1.png"]["eye"] == "OD"
    assert by_file["memory://eyes/none.png"]["reason"].startswith("memory://eyes/none.png does not exist")
    assert "does not take a file of that name" in by_file[f"memory://eyes/{'n' * 300}.png"]["reason"]
    assert by_file[str(photos / "2021" / "OD 1.png")]["state"] == "done"
    assert [row["result"] for row in by_file.values()] == [
        *("memory/eyes/2020/OD 1", "memory/eyes/none", f"memory/eyes/{'n' * 300}"),
        "OD 1",
    ]
    assert not list((out / "serr-batch").rglob("*.png"))
    memory.store.clear()


def test_results_of_other_options_leave_nothing_here_and_what_they_leave_there_is_said(
    photos: Path, tmp_path: Path
) -> None:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    (photos / "2021" / "bad.png").unlink()
    weights, work = untrained(tmp_path / "small.safetensors"), tmp_path / "work"
    command = ["batch", "run", str(photos), "--out", "memory://eyes/out", "--work", str(work), "--model", str(weights)]
    assert main([*command, "--fov", "full", "--parquet"]) == 0

    (photos / "2021" / "OD 1.png").write_text("no picture any more")
    assert main([*command, "--threshold", "0.25", "--save", "mask", "--new-options"]) == 1
    assert {path.name for path in work.rglob("*") if path.is_file() and path.parent.name != "serr-batch"} == {
        "summary.csv",
        "summary.parquet",
    }
    found = rows(work)
    assert (
        "Left from an earlier result (small): OD 1_probability.png, OD 1_overlay.png." in found["2020/OD 1"]["reason"]
    )
    assert found["2021/OD 1"]["reason"].endswith("An earlier result (small) is still there.")
    assert memory.exists("/eyes/out/2020/OD 1_overlay.png")
    table = read_table(work / "summary.parquet").to_pylist()
    assert {row["result"]: row["state"] for row in table} == {name: row["state"] for name, row in found.items()}
    memory.store.clear()


def test_a_store_that_is_gone_stops_the_batch_and_nothing_is_lost(
    s3: Any, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    s3.put_file(str(photos / "2020" / "OD 1.png"), "eyes/in/a.png")
    weights, work = untrained(tmp_path / "small.safetensors"), tmp_path / "work"
    options = ["--model", str(weights), "--fov", "full", "--work", str(work)]
    assert main(["batch", "run", "s3://eyes/in", "--out", "s3://nobody/out", *options]) == 1
    said = capsys.readouterr().err
    assert "The store s3://nobody cannot be used" in said
    assert "Traceback" not in said
    with find_batch(work).open(1, read_only=True) as manifest:
        assert manifest.counts()["waiting"] == 1
    s3.mkdir("nobody")
    assert main(["batch", "run", str(work)]) == 0
    assert s3.exists("nobody/out/a.serr.json")


def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    monkeypatch.delitem(_registry, "gs", raising=False)  # where another test has used it
    assert main(["batch", "run", "gs://eyes/in", "--out", str(tmp_path / "out")]) == 1
    assert 'gs:// needs the package gcsfs, which is not installed. Install it: pip install "serr-fundus[stores]"' in (
        capsys.readouterr().err
    )


def test_a_disk_that_is_full_is_not_taken_for_a_fault_of_the_store(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="this system has no limit on the size of a file")
    fsspec.filesystem("memory").pipe_file("/eyes/large.png", bytes(1 << 20))
    path = fetched_path(tmp_path / "serr-batch", "memory://eyes/large.png")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # as on a disk with so much room
    try:
        with pytest.raises(OutputError, match="no room left on the disk"), fetched(path):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


@pytest.mark.parametrize("address", ["s3://b/a//b/ä%/./../c:d.png", "memory://x/y.png", "gs://b/con*?.png"])
def test_a_path_here_tells_the_address_again(tmp_path: Path, address: str) -> None:
    path = fetched_path(tmp_path / "serr-batch", address)
    assert ".." not in path.parts
    assert address_at(path) == address
    assert address_at(tmp_path / "s3" / "b.png") is None


def test_what_is_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:").mkdir()
    assert [address_of(each) for each in ("a.png", "C:/a.png", "s3:", "file:///a.png")] == [None] * 4
    assert address_of(Path("s3://b/c/")) == "s3://b/c"
    assert plain_path((tmp_path / "a b").as_uri()) == str(tmp_path / "a b")
    with pytest.raises(InputError, match="https:// is not a kind of store"):
        address_of("https://example.org/a.png")
    with pytest.raises(InputError, match="names no bucket"):
        address_of("az://")


@pytest.mark.parametrize("command", ["segment", "watch"])
def test_other_commands_make_no_folder_of_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([command, str(tmp_path), "--out", "s3://eyes/out"]) == 2
    assert "--out is in an object store. 'serr batch run' can write there" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

"""Session files: everything survives, damage costs only what is damaged, and nothing in them leads elsewhere."""

import json
import shutil
import struct
import zipfile
import zlib
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from core.datasets.synthetic import draw_case
from core.errors import InputError, OutputError
from core.files import display_path, file_sha256
from core.masks.edits import MaskEdits
from core.photo.reading import read_fundus
from core.segment import segment_photo
from core.segmentation import Segmentation
from core.session.archive import PhotoContent, read_embedded, read_result, read_session, write_result, write_session
from core.session.maps import result_from, result_members
from core.session.places import PhotoFinder
from core.session.records import PhotoRecord, PhotoRef, SessionRecord
from core.session.results import export_session
from core.strict import Malformed
from tests.core.test_session_records import SHAPE, full_record, same
from tests.small_model import small_model


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Segmentation:
    folder = tmp_path_factory.mktemp("photograph")
    Image.fromarray(draw_case(4, 96).image.rgb).save(folder / "eye.png")
    return segment_photo(read_fundus(folder / "eye.png"), small_model(folder))


def written(path: Path, *photos: PhotoRecord) -> Path:
    write_session(path, SessionRecord(photos, 0, "A. Nnotator", {"weather": "fine"}))
    return path


def three(path: Path) -> Path:
    names = ("one", "two", "three")
    return written(
        path, *(replace(full_record(), photo=PhotoRef(Path(f"/{n}.png"), "ab", SHAPE), map=None) for n in names)
    )


def test_everything_survives(tmp_path: Path) -> None:
    record = replace(full_record(), map=None)
    opened = read_session(written(tmp_path / "work.serr-session", record))
    assert not opened.problems
    assert (opened.record.current, opened.record.observer) == (0, "A. Nnotator")
    assert opened.record.unknown == {"weather": "fine"}
    for name in (f.name for f in fields(PhotoRecord)):
        assert same(getattr(record, name), getattr(opened.record.photos[0], name)), name


def test_corrections_are_a_picture_that_anybody_can_read(tmp_path: Path) -> None:
    record = replace(full_record(), map=None)
    with zipfile.ZipFile(written(tmp_path / "work.serr-session", record)) as archive:
        data = archive.read("photographs/00001/edits.png")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert record.edits is not None
    assert record.edits.codes is not None
    codes = MaskEdits(np.zeros(SHAPE, np.uint8))
    codes.take_packed(record.edits.codes)
    assert np.array_equal(np.array([128, 0, 255])[codes.codes], picture)


def test_a_result_comes_back_to_the_last_bit_with_its_own_photograph_only(found: Segmentation, tmp_path: Path) -> None:
    place = write_result(tmp_path / "map", result_members(found, Path("/models/small")))
    photo = PhotoRecord(PhotoRef(found.image.source or Path(), found.image.sha256, found.image.shape), map=place)
    session = read_session(written(tmp_path / "work.serr-session", photo))
    kept = session.record.photos[0].map
    assert kept is not None
    again = result_from(read_result(kept, found.image.shape), found.image)
    assert again.segmentation.probability.values.tobytes() == found.probability.values.tobytes()
    assert np.array_equal(again.segmentation.fov.inside, found.fov.inside)
    for name in ("card", "model_sha256", "options", "device", "precision", "tiles", "scale", "notes", "doubts"):
        assert getattr(again.segmentation, name) == getattr(found, name), name
    with pytest.raises(InputError, match="not the one"):
        result_from(read_result(kept, found.image.shape), replace(found.image, sha256="other"))


BAD_RESULT: tuple[tuple[str, object], ...] = (
    *(("photograph", value) for value in ([], None, "x")),
    *((name, value) for name in ("model_sha256", "device", "model_file") for value in (None, 5, "half \ud800")),
    *(("options", value) for value in ([], "", None, {"device": "half \ud800"}, {"tta": 5})),
    *(("tiles", value) for value in (True, -1, 1.5, "5")),
    *((name, value) for name in ("scale", "seconds") for value in (True, "5", None)),
    ("seconds", -1),
    *(("notes", value) for value in ("text", [5], ["half \ud800"])),
    *(("rule", {"level": 70, "origin": value}) for value in (None, 5, "guess", [])),
    *(("rule", {"level": value, "origin": "model"}) for value in (0, 256, True, 70.5, "70")),
    ("rule", {"level": 70, "origin": "model", "min_pixels": 1.5}),
    *(("field_of_view", {"origin": "estimated", "doubts": [], "file": value}) for value in (5, "", [], "\ud800")),
    ("field_of_view", {"origin": "guessed", "doubts": [], "file": None}),
)


@pytest.mark.parametrize(("key", "value"), BAD_RESULT)
def test_what_a_result_cannot_say_of_itself_is_refused(key: str, value: object, found: Segmentation) -> None:
    members = result_members(found, Path("/models/small"))
    about = json.loads(members["result.json"])
    assert result_from({**members, "result.json": json.dumps(about).encode()}, found.image)
    with pytest.raises(Malformed):
        result_from({**members, "result.json": json.dumps({**about, key: value}).encode()}, found.image)


def test_a_result_of_no_photograph_is_damaged_also_where_the_photograph_is_gone(
    found: Segmentation, tmp_path: Path
) -> None:
    members = result_members(found, Path("/models/small"))
    about = json.dumps({**json.loads(members["result.json"]), "photograph": ["x"]}).encode()
    photo = PhotoRecord(PhotoRef(tmp_path / "gone.png", "ab", found.image.shape))
    path = tmp_path / "work.serr-session"
    write_session(path, SessionRecord((photo,)), lambda _index: PhotoContent({**members, "result.json": about}))
    _, (outcome,) = export_session(path, tmp_path / "out")
    assert outcome.problem == "The result of gone.png is damaged: it says nothing about its result."


def test_an_observer_that_is_no_text_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "work.serr-session"
    write_session(path, SessionRecord((), observer="half a character \ud800"))
    assert read_session(path).record.observer == ""


def test_what_is_in_a_session_twice_is_said(tmp_path: Path) -> None:
    path = written(tmp_path / "work.serr-session", replace(full_record(), map=None))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = "photographs/00001/photograph.json"
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, members[name])
    assert read_session(path).problems == (
        f"It holds the same file several times, of which the last was read: {name}.",
    )
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
            archive.writestr(member.replace("00001", "00002"), data) if "00001" in member else None
    opened = read_session(path)
    photo = display_path(opened.record.photos[0].photo.path.name)
    assert opened.problems == (f"{photo} is in it more than once: the first was opened.",)
    assert len(opened.record.photos) == 1


def test_a_session_of_a_newer_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "work.serr-session"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("session.json", json.dumps({"serr_session": 2}))
    with pytest.raises(InputError, match="newer version of this program"):
        read_session(path)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + bytes(40)])
def test_what_is_no_session_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "work.serr-session"
    path.write_bytes(content)
    with pytest.raises(InputError, match="session"):
        read_session(path)


def test_a_session_that_was_cut_short_opens_as_far_as_it_is_there(tmp_path: Path) -> None:
    whole = three(tmp_path / "whole").read_bytes()
    path, most = tmp_path / "work.serr-session", 0
    for length in [*range(0, len(whole), 331), len(whole) - 30]:
        path.write_bytes(whole[:length])
        try:
            opened = read_session(path)
        except InputError:
            assert not most
            continue
        assert opened.problems
        assert len(opened.record.photos) >= most
        most = len(opened.record.photos)
    assert most == 3


def test_damage_costs_only_what_is_damaged(tmp_path: Path) -> None:
    whole = three(tmp_path / "whole")
    for member in ("photographs/00002/edits.png", "photographs/00002/photograph.json", "session.json"):
        path = tmp_path / "work.serr-session"
        shutil.copy(whole, path)
        data = bytearray(path.read_bytes())
        with zipfile.ZipFile(whole) as archive:
            info = archive.getinfo(member)
        start = info.header_offset + 30 + len(member)
        data[start + info.compress_size // 2] ^= 0xFF
        path.write_bytes(data)
        opened = read_session(path)
        assert len(opened.problems) >= 1, member
        others = [photo for photo in opened.record.photos if photo.photo.path.name != "two.png"]
        assert len(others) == 2
        assert all(photo.edits is not None and photo.edits.steps for photo in others)


def test_names_that_lead_elsewhere_are_left_alone_and_named(tmp_path: Path) -> None:
    path = three(tmp_path / "work.serr-session")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil.txt", "x")
        archive.writestr("/etc/evil", "x")
    opened = read_session(path)
    assert len(opened.record.photos) == 3
    assert "evil" in opened.problems[0]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["work.serr-session"]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = three(tmp_path / "work.serr-session")
    names = ("photographs/00004/photograph.json", "photographs/00001/questionable.png")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        for info in old.infolist():
            if info.filename not in names:
                archive.writestr(info.filename, old.read(info.filename))
        for name in names:
            archive.writestr(name, bytes(30_000_000))
    opened = read_session(tmp_path / "bomb")
    assert len(opened.record.photos) == 3
    assert opened.record.photos[0].questionable is None
    assert len(opened.problems) == 2


def test_a_picture_that_claims_another_size_is_not_decoded(tmp_path: Path) -> None:
    path = three(tmp_path / "work.serr-session")
    body = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    huge = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + body + struct.pack(">I", zlib.crc32(b"IHDR" + body))
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "other", "w") as archive:
        for info in old.infolist():
            archive.writestr(info.filename, huge if info.filename.endswith("1/edits.png") else old.read(info.filename))
    opened = read_session(tmp_path / "other")
    assert any("size of its photograph" in problem for problem in opened.problems)


def test_an_embedded_photograph_comes_back_byte_for_byte(found: Segmentation, tmp_path: Path) -> None:
    source = found.image.source
    assert source is not None
    photo = PhotoRecord(PhotoRef(source, found.image.sha256, found.image.shape))
    path = tmp_path / "work.serr-session"
    write_session(path, SessionRecord((photo,)), lambda _index: PhotoContent(embed=source.read_bytes()))
    assert read_embedded(path, read_session(path).embedded[0]) == source.read_bytes()
    with pytest.raises(Malformed):
        read_embedded(path, "photographs/00001/other.png")


def test_a_failed_save_leaves_the_session_before(tmp_path: Path) -> None:
    path = three(tmp_path / "work.serr-session")
    before = path.read_bytes()

    def fails(index: int) -> PhotoContent:
        if index == 2:
            raise OSError(28, "No space left on device")
        return PhotoContent()

    with pytest.raises(OutputError, match="no room left"):
        write_session(path, read_session(path).record, fails)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["work.serr-session"]


def test_photographs_that_were_moved_or_renamed_are_found_and_changed_ones_are_not_taken(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new" / "photographs"
    old.mkdir()
    new.mkdir(parents=True)
    for name in ("a", "b", "c", "d"):
        Image.fromarray(draw_case(ord(name), 64).image.rgb).save(old / f"{name}.png")
    refs = {name: PhotoRef(old / f"{name}.png", file_sha256(old / f"{name}.png"), (64, 64)) for name in "abcd"}
    shutil.move(old / "a.png", new / "a.png")  # with the session, in a folder beside it
    shutil.move(old / "b.png", new.parent / "renamed.png")
    shutil.copy(old / "d.png", old / "c.png")  # another photograph in its place
    (old / "d.png").unlink()
    finder = PhotoFinder(new.parent)
    where = {name: finder.find(ref, f"photographs/{name}.png") for name, ref in refs.items()}
    assert where["a"].path == new / "a.png"
    assert (where["a"].found, where["b"].found) == ("moved", "moved")
    assert where["b"].path == new.parent / "renamed.png"
    assert where["c"].found == "changed"
    assert where["d"].path == old / "c.png"

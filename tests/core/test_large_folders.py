"""Folders with so many files that their names do not fit into memory: nothing is found otherwise than in small ones."""

import os
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as draw

from core.cli.batch_inputs import gather
from core.photo import finding, folder_names
from core.photo.folder_names import FolderNames, Role
from core.photo.reading import is_photo_path

STEMS = ["eye_1", "eye_2", "EYE_10", "01_test", "é 3", "é 3", "ß", "a", "P01", "1.2"]
if sys.platform == "linux":
    STEMS.append(os.fsdecode(b"\xff7"))  # not UTF-8
ENDINGS = ["", "_mask", "_enhanced", "_enhanced_mask", "_ah", "_gt", ".ah", "_manual1", "_overlay", "_roi", "_expert 2"]
SUFFIXES = [".png", ".JPG", ".tif", ".ppm.gz", ".serr.json", ".enhanced.json", ".heic", ".txt"]
PARTS = (STEMS, ENDINGS, SUFFIXES)


@given(draw.lists(draw.builds(lambda *parts: "".join(parts), *map(draw.sampled_from, PARTS)), unique=True))
def test_names_on_the_disk_are_judged_and_ordered_as_those_in_memory(names: list[str]) -> None:
    def judged() -> list[tuple[str, Role]]:
        with FolderNames() as there:
            for name in names:
                there.know(name, wanted=is_photo_path(Path(name)))
            return list(there.roles())

    in_memory = judged()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder_names, "AT_ONCE", 3)
        assert judged() == in_memory


def test_a_large_folder_gives_the_same_photographs_and_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(7)
    for folder in ("", "a", "a/b 10", "a/b 9", "Ä"):
        (tmp_path / "photos" / folder).mkdir(parents=True, exist_ok=True)
        for _ in range(40):
            (tmp_path / "photos" / folder / "".join(map(random.choice, PARTS))).touch()
    ways = (str(tmp_path / "photos"), str(tmp_path / "photos" / "**" / "*"), str(tmp_path / "photos" / "a" / "*.png"))

    def found(given: str) -> tuple[list[bytes], str]:
        with gather([given], None, tmp_path / "out") as there:
            there.photos.place(there.root)
            return [row.path for row in there.photos.placed()], capsys.readouterr().err

    in_memory = [found(way) for way in ways]
    assert "labels" in in_memory[0][1]
    assert len(in_memory[0][0]) > 20
    monkeypatch.setattr(folder_names, "AT_ONCE", 3)
    monkeypatch.setattr(finding, "_PORTION", 2)
    assert [found(way) for way in ways] == in_memory

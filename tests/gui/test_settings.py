"""Settings come back, a bad value costs only itself, and nothing is written where it should not be."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from bad_outputs import ordinary_rights
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from core.errors import OutputError
from serr_gui.model.settings import (
    FILE_NAME,
    LOCK_FILE,
    ExportOptions,
    Settings,
    config_folder,
    load_settings,
    save_settings,
    settings_from,
)
from serr_gui.model.state import ViewOptions
from serr_gui.window.layout import layout_bytes, restore_layout
from tests.gui.conftest import StartProgram

CHANGED = Settings(
    theme="dark",
    view=ViewOptions(base="green", show_mask=False, mask_opacity=0.25, mask_colour=(1, 2, 3), colormap="cividis"),
    export=ExportOptions(folder="/somewhere/für alle", overlay=False, float_probability=True),
    model="serr-unet-drive",
    added_models=("/models/mine.safetensors",),
    device="cpu",
    recent=("/photographs", "/photographs/eye.png"),
    last_folder="/photographs",
)


@pytest.mark.skipif(os.name == "nt", reason="permissions are no bits and names are text there")
def test_settings_are_private_and_names_that_are_no_text_cost_only_themselves(tmp_path: Path) -> None:
    folder = tmp_path / "settings"
    odd = os.fsdecode(b"/photographs/eye-\xff.png")
    save_settings(replace(CHANGED, recent=(*CHANGED.recent, odd)), folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600
    assert load_settings(folder) == (CHANGED, ())
    own = tmp_path / "dotfiles.json"
    (folder / FILE_NAME).rename(own)
    (folder / FILE_NAME).symlink_to(own)
    save_settings(CHANGED, folder)
    assert (folder / FILE_NAME).is_symlink()


def test_settings_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    save_settings(CHANGED, folder)
    assert load_settings(folder) == (CHANGED, ())
    assert sorted(path.name for path in folder.iterdir()) == [LOCK_FILE, FILE_NAME]


def test_no_file_is_no_problem_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == (Settings(), ())
    for content in (b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000):
        (tmp_path / FILE_NAME).write_bytes(content)
        assert load_settings(tmp_path) == (Settings(), (FILE_NAME,))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("theme", "pink"), ("recent", "not a list"), ("device", 7), ("view", 5), ("export", None)),
        *(("view.mask_opacity", 3.0), ("view.base", "x-ray"), ("view.mask_colour", [1, 2]), ("view.colormap", "jet")),
        ("export.mask", "yes"),
    ],
)
def test_a_bad_value_costs_only_itself(tmp_path: Path, name: str, value: object) -> None:
    save_settings(CHANGED, tmp_path)
    stored = json.loads((tmp_path / FILE_NAME).read_text())
    outer, _, inner = name.partition(".")
    if inner:
        stored[outer][inner] = value
    else:
        stored[outer] = value
    default = Settings()
    expected = CHANGED
    if inner:
        part = replace(getattr(CHANGED, outer), **{inner: getattr(getattr(default, outer), inner)})
        expected = replace(CHANGED, **{outer: part})
    else:
        expected = replace(CHANGED, **{outer: getattr(default, outer)})
    assert settings_from(stored) == (expected, (name,))


LEAVES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5)
JSON = LEAVES | st.lists(LEAVES, max_size=4) | st.dictionaries(st.sampled_from(["base", "mask", "mask_colour"]), LEAVES)
KEYS = st.sampled_from(["theme", "view", "export", "model", "recent", "geometry", "version", "unknown"])


@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_anything_at_all_gives_settings(stored: dict[str, object]) -> None:
    settings, _ = settings_from(stored)
    assert isinstance(settings, Settings)


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with ordinary_rights(), pytest.raises(OutputError):
        save_settings(CHANGED, tmp_path / "config")


def test_importing_the_program_writes_nothing(tmp_path: Path) -> None:
    import subprocess
    import sys

    environment = os.environ | {"HOME": str(tmp_path), "SERR_CONFIG_DIR": str(tmp_path / "config")}
    program = "import serr_gui.app, serr_gui.__main__, sys; assert 'torch' not in sys.modules"
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-B", "-c", program], check=True, cwd=root, env=environment)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_program_comes_back_as_it_was_left(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    first = start(photo)
    window = first.window
    window.commands["base_green"].trigger()
    window.commands["show_probability"].trigger()
    window.commands["theme_dark"].trigger()
    first.controller.models.set_model(next(c.path for c in first.state.models if c.name == "other"))
    window.resize(760, 620)  # within the offscreen platform's 800 x 800
    docks = {dock.objectName(): dock for dock in window.findChildren(type(window.files.parent()))}
    docks["display"].close()
    window.show_dock("history")
    window.close()

    settings, unusable = load_settings(config_folder())
    assert unusable == ()
    second = start(settings=settings)
    assert second.state.view.base == "green"
    assert second.state.view.show_probability
    assert second.state.theme == "dark"
    assert second.state.recent == (photo,)
    assert second.state.model_choice is not None
    assert second.state.model_choice.name == "other"
    assert second.window.size() == window.size()
    assert not second.window.display.isVisible()
    assert second.window.segmentation.isVisible()
    assert second.window.history.isVisible()  # made for the layout of the last time


def test_a_window_from_a_screen_that_is_gone_comes_back_into_sight(start: StartProgram) -> None:
    program = start()
    window = program.window
    window.move(20_000, 12_000)
    geometry, docks = layout_bytes(window)
    restore_layout(window, geometry, docks)
    assert window.screen().availableGeometry().intersects(window.frameGeometry())
    restore_layout(window, "not base 64!", "AAAA")

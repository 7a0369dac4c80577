"""The page "How to add" names files and names that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/how-to-add.md").read_text(encoding="utf-8")
MADE = {"docs/guide/command-line.md"}
"""Written when the guide is built."""


def test_every_file_that_it_names_is_there() -> None:
    named = set(re.findall(r"`((?:core|serr_gui|tests|docs)/[\w/.-]+)`", PAGE)) - MADE
    assert len(named) > 20
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_every_class_and_constant_that_it_names_is_in_the_code() -> None:
    code = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "core").rglob("*.py"))
    code += "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "serr_gui").rglob("*.py"))
    names = set(re.findall(r"`([A-Z]\w+)`", PAGE))
    assert names
    assert sorted(name for name in names if not re.search(rf"\b{name}\b", code)) == []

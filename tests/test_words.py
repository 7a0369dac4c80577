"""Plain words: the phrases that CONTRIBUTING.md names do not come back in texts, docstrings, comments and pages."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("serr", "core", "serr_gui")
STORED = {'"wish"'}
"""Keys of files and of ``--json`` that keep their names."""


def phrases() -> list[str]:
    """Those in code type in the column "not" of the word list."""
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Words")[2].partition("## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    return [found for row in rows for found in re.findall("`([^`]+)`", row[2])]


def texts(path: Path) -> Iterator[str]:
    """The words of a page, or the strings and comments of a module, each run of them as one text."""
    content = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield content
        return
    run: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            if token.string not in STORED:
                run.append(token.string.strip("#rf'\"\n"))
        elif token.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            yield " ".join(run)
            run = []
    yield " ".join(run)


def files() -> list[Path]:
    made = ROOT / "docs/guide/command-line.md"  # from the help texts, when the guide is built
    pages = [ROOT / "README.md", *(page for page in (ROOT / "docs").rglob("*.md") if page != made)]
    return sorted([*pages, *(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))])


def unwanted(path: Path) -> list[str]:
    words = "|".join(r"\s+".join(map(re.escape, phrase.split())) for phrase in phrases())
    pattern = re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    return [found.group(0) for text in texts(path) for found in pattern.finditer(text)]


def test_the_word_list_is_read() -> None:
    assert {"anew", "goes on", "by heart", "of one's own", "lies beside"} <= set(phrases())


def test_texts_are_in_plain_words() -> None:
    found = {str(path.relative_to(ROOT)): words for path in files() if (words := unwanted(path))}
    assert not found


@pytest.mark.parametrize("source", ['text = "It goes on."', "# made anew", 'text = (\n    "it goes "\n    "on"\n)'])
def test_the_search_itself(tmp_path: Path, source: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(source, encoding="utf-8")
    assert unwanted(path)

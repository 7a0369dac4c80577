"""Every text of the window goes through Qt's translation, and Qt's own tool finds the texts."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHOWN_BY = {
    *("setText", "setToolTip", "setWindowTitle", "setPlaceholderText", "setAccessibleName", "setAccessibleDescription"),
    *("setStatusTip", "setWhatsThis", "setTitle", "setLabelText", "setInformativeText", "setDetailedText", "setSuffix"),
    *("setPrefix", "setSpecialValueText", "setHeaderLabels", "setHorizontalHeaderLabels", "setTabText", "setFormat"),
    *("addAction", "addMenu", "addItem", "addItems", "addTab", "addRow", "addButton", "insertItem", "notify", "fail"),
    *("QLabel", "QPushButton", "QCheckBox", "QRadioButton", "QGroupBox", "QAction", "QMenu", "QToolBar", "QDockWidget"),
    *("InputError", "OutputError", "append"),
    *("QTableWidgetItem", "QListWidgetItem", "QTreeWidgetItem", "QToolButton", "set_hint", "getOpenFileName"),
    *(
        "getOpenFileNames",
        "getExistingDirectory",
        "getSaveFileName",
        "question",
        "warning",
        "information",
        "critical",
        "ask",
    ),
}
TRANSLATES = {"tr", "_tr", "translate", "translated", "QT_TRANSLATE_NOOP", "QT_TR_NOOP"}
NAMES = re.compile(r"SERR( Fundus)?|https?:\S+|<[^>]*>|&\w+;|info|success|warning|error|\.\w+")
"""What no language changes: names, marks of formatting, kinds of notices, endings of files."""


def called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def untranslated(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Literal words in an argument that no translation stands around."""
    if isinstance(node, ast.Call) and called(node) in TRANSLATES | {"format", "connect", "get", "setObjectName"}:
        inner = node.func.value if isinstance(node.func, ast.Attribute) and called(node) == "format" else None
        if inner is not None:
            yield from untranslated(inner)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        identifier = re.fullmatch(r"[a-z]+_\w*", node.value)
        if not identifier and re.search(r"[^\W\d_]{2}", NAMES.sub("", node.value)):
            yield node.lineno, node.value
        return
    if isinstance(node, ast.Call) and called(node) == "_with_key":  # the name of a command, no text
        yield from untranslated(node.args[0])
        return
    if isinstance(node, ast.Call) and called(node) == "Answer":  # the key of an answer, no text; its verb is one
        yield from untranslated(node.args[1])
        return
    if isinstance(node, (ast.Subscript, ast.Compare, ast.Lambda)):
        return
    for child in ast.iter_child_nodes(node):
        yield from untranslated(child)


def missed(source: str) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and called(node) == "Answer":
            found += list(untranslated(node))
        if isinstance(node, ast.Call) and called(node) in SHOWN_BY:
            first, *others = [*node.args, *(keyword.value for keyword in node.keywords)] or [None]
            found += list(untranslated(first)) if first else []
            # Behind the text come values that nobody reads: the data of an entry, a size.
            found += [hit for other in others for hit in untranslated(other) if not re.fullmatch(r"\w+", hit[1])]
    return sorted(set(found))


def test_every_shown_text_is_translated() -> None:
    lines = []
    for path in sorted((ROOT / "serr_gui").rglob("*.py")):
        for number, text in missed(path.read_text(encoding="utf-8")):
            lines.append(f"{path.relative_to(ROOT)}:{number}: {text!r}")
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('ask(self, "Really?", self.tr("Yes."), [])', ["Really?"]),
        ('answers = [Answer("go", "Go on"), Answer("stay", self.tr("Stay"))]', ["Go on"]),
        ('label.setText("Open it")', ["Open it"]),
        ('label.setText(self.tr("Open it"))', []),
        ('label.setText(self.tr("Open {name}").format(name="eye"))', []),
        ('label.setText(f"{n} photographs")', [" photographs"]),
        ('QLabel("%")', []),
        ('notify("error", "It failed")', ["It failed"]),
        ('label.setText("Open" if new else self.tr("Close"))', ["Open"]),
        ('label.setText("SERR Fundus")', []),
    ],
)
def test_the_search_itself(source: str, texts: list[str]) -> None:
    assert [text for _, text in missed(source)] == texts


def test_qts_tool_finds_the_texts_and_those_of_the_library(tmp_path: Path) -> None:
    """A new language begins with this: Qt's tool must understand how texts are marked here."""
    template = tmp_path / "serr_de.ts"
    script = ROOT / "packaging" / "make_translation.py"
    done = subprocess.run([sys.executable, script, template], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    contexts = {
        context.findtext("name"): {message.findtext("source") for message in context.iter("message")}
        for context in ElementTree.parse(template).iter("context")
    }
    assert "&Open Photographs..." in contexts["Actions"]
    assert "Keyboard Shortcuts" in contexts["ShortcutsDialog"]
    assert "Trained on {data}" in contexts["Work"]
    assert {"Finding vessels", "Finding the field of view", "Looking for photographs"} <= contexts["Progress"]
    assert sum(map(len, contexts.values())) > 150

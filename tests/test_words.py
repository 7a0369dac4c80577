"""Plain words: what CONTRIBUTING.md calls unwanted does not come back in texts and pages, nor do names given up."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("serr", "core", "serr_gui")


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


COMPARED = [
    "longer",
    "larger",
    "less",
    "more",
    "worse",
    "other",
    "better",
    "smaller",
    "slower",
    "even",
    "trouble",
    "narrower",
    "wider",
]
IS_NO = re.compile(rf"(?<!here )\b(?:is|are) no (?!(?:{'|'.join(COMPARED)})\b)\w+", re.IGNORECASE)


def test_a_file_is_not_a_picture_rather_than_no_picture() -> None:
    """But "there is no picture", and "it is no larger"."""
    assert IS_NO.search("it is no picture")
    assert not IS_NO.search("there is no picture, and it is no larger")
    found = {path.name: words for path in files() if (words := IS_NO.findall(" ".join(texts(path))))}
    assert not found


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


OLD_NAMES = """
Asking Desk TrainingDesk JobBoard LongWork ModelKeeper SkeletonKeeper TrainingQuestions RecipeBoxes Judged Wish Wishes
RunWish ExportWish EvaluationWish FovWish ErrorWish TrainingOrder JobOrder Figures Exposure EnoughLearned _Teller _Half
_Trying _Validating order_job try_out two_valued label_doubts dark_lines bare_root export_wish write_wish label_memory
"""
OLD_MODULES = """
core.photo.two_valued core.photo.companions core.photo.label_doubts core.photo.likeness core.datasets.exposure
core.jobs.ordering core.jobs.several core.training.starting core.training.follow core.inference.gates
core.evaluation.counts core.evaluation.centre_lines core.evaluation.folder serr_gui.desk serr_gui.asking serr_gui.work
serr_gui.jobs serr_gui.tasks.base_views serr_gui.figures serr_gui.handlers serr_gui.commands tests.dark_lines
tools.bare_root
"""


def test_names_that_were_given_up_do_not_come_back() -> None:
    words = re.compile(rf"\b(?:{'|'.join(map(re.escape, (OLD_NAMES + OLD_MODULES).split()))})\b")
    packages = ("serr", "core", "serr_gui", "tests", "tools", "benchmarks", "docs")
    files = [path for package in packages for path in (ROOT / package).rglob("*.py") if path != Path(__file__)]
    assert len(files) > 300
    found = {str(path.relative_to(ROOT)): words.findall(path.read_text(encoding="utf-8")) for path in files}
    assert not {name: old for name, old in found.items() if old}
    assert not [module for module in OLD_MODULES.split() if (ROOT / f"{module.replace('.', '/')}.py").exists()]


def test_outcomes_of_threads_are_typed_and_not_asserted() -> None:
    """``WorkerPool.start`` is generic: mypy proves what a callback gets, which no assertion has to repeat."""
    for file in (ROOT / "serr_gui/controllers").glob("*.py"):
        assert "assert isinstance(" not in file.read_text(encoding="utf-8"), file.name

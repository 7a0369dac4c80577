"""Begin a translation, or bring one up to date with the texts of the program.

    python packaging/make_translation.py resources/translations/serr_de.ts

Qt's own tool finds what goes through ``tr``; the stages of long work, which the library names, by their class.
"""

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def stages() -> list[str]:
    """The first words of every ``Progress`` that are in the source as they are."""
    found = set()
    for room in ("core", "serr_gui"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                function = getattr(node, "func", None)
                name = getattr(function, "attr", getattr(function, "id", ""))
                if isinstance(node, ast.Call) and name in ("Progress", "begin") and node.args:
                    first = node.args[0]
                    if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value:
                        found.add(first.value)
    return sorted(found)


def write_template(path: Path) -> None:
    """Write or update the ``.ts`` file; translations that are in it stay.

    Raises
    ------
    CalledProcessError : Qt's tool has failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder, "stages.py")
        named.write_text("".join(f'QT_TRANSLATE_NOOP("Progress", {text!r})\n' for text in stages()), encoding="utf-8")
        sources = [str(file) for file in sorted((ROOT / "serr_gui").rglob("*.py"))]
        tool = Path(sys.executable).with_name("pyside6-lupdate")
        command = [str(tool), *sources, str(named), "-ts", str(path)]
        subprocess.run(command, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    write_template(Path(sys.argv[1]))

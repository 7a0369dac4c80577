"""Whether the program's own imports do without what the build leaves out.

    python packaging/needed.py NAME...

Runs every import statement of ``core`` and ``serr_gui``, also those inside functions, and imports what else ships, in a
Python in which these names are not to be had. Ends with 1 and the statements that fail.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SCIKIT_LEARN = ("sklearn.linear_model", "sklearn.isotonic", "sklearn.metrics", "sklearn.model_selection")
"""What of scikit-learn is in the built program, whether it is used already or not."""

OF_EXTRAS = ("distributed", "openvino", "pyarrow", "s3fs", "submitit")
"""Packages of extras, which the built program does not carry: what asks for them says so where they are absent."""


class Without:
    """A finder of modules that does not know some names."""

    def __init__(self, finder: Any, names: Sequence[str]) -> None:
        self._finder, self._names = finder, tuple(names)

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if any(fullname == name or fullname.startswith(f"{name}.") for name in self._names):
            return None
        return self._finder.find_spec(fullname, path, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)


def statements() -> Iterator[tuple[Path, str]]:
    """Every import with its file, but those of extras and those that a ``try`` is ready to do without."""
    for room in ("core", "serr_gui"):
        for path in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            tried = [node.body for node in ast.walk(tree) if isinstance(node, ast.Try) and _expects_absence(node)]
            optional = {inner for body in tried for statement in body for inner in ast.walk(statement)}
            for node in ast.walk(tree):
                if isinstance(node, (ast.Import, ast.ImportFrom)) and node not in optional and not _of_extras(node):
                    yield path, ast.unparse(node)
    for name in SCIKIT_LEARN:
        yield Path(__file__), f"import {name}"


def _of_extras(node: ast.Import | ast.ImportFrom) -> bool:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
    return any(name.partition(".")[0] in OF_EXTRAS for name in names)


def _expects_absence(node: ast.Try) -> bool:
    return any("ImportError" in ast.unparse(handler.type) for handler in node.handlers if handler.type is not None)


def main(names: Sequence[str]) -> int:
    sys.path.insert(0, str(ROOT))
    sys.meta_path[:] = [Without(finder, names) for finder in sys.meta_path]
    failed = set()
    for path, statement in statements():
        try:
            exec(statement, {})  # noqa: S102 - our own import statements
        except ImportError as error:
            failed.add(f"{path.relative_to(ROOT)}: {statement}: {error}")
    for line in sorted(failed):
        sys.stderr.write(f"{line}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The contracts between the rooms hold, and each of them would be seen to break."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("serr", "core", "serr_gui")
DRAWN = ("core", "serr_gui")
HEAVY = ("torch", "sklearn", "scipy", "lightning_fabric", "skimage")


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Dotted name and file of each module."""
    for file in sorted((ROOT / package).rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def in_fresh_python(program: str, folder: Path) -> str:
    """Output of a program in a new interpreter whose home, settings and caches would all be in ``folder``."""
    kept = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    environ |= {name: str(folder) for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TMPDIR", "TEMP")}
    environ |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# ------------------------------------------------------------------------------------------------------- contracts


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages that a test may break and mend."""
    folder = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def broken_contracts(folder: Path) -> tuple[list[str], str]:
    """Names of the contracts that import-linter finds broken, and all that it says."""
    program = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    environ = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "300"}
    done = subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    broken = [line.removesuffix(" BROKEN") for line in lines if line.endswith(" BROKEN")]
    assert (done.returncode == 0) == (not broken), done.stdout + done.stderr
    assert any(line.endswith((" KEPT", " BROKEN")) for line in lines), done.stdout + done.stderr
    return broken, done.stdout


def test_the_contracts_hold(copy: Path) -> None:
    broken, said = broken_contracts(copy)
    assert not broken, said


BREACHES = [
    ("core/types.py", "import core.cli.app", "Each room of core"),
    ("core/photo/reading.py", "import core.models.weights_file", "Each room of core"),
    ("core/inference/tiling.py", "import core.evaluation.confusion", "Each room of core"),
    ("core/a_new_room.py", "VALUE = 1", "Each room of core"),
    ("serr_gui/model/state.py", "import serr_gui.controllers.controller", "Each room of serr_gui"),
    ("serr_gui/system/logs.py", "import serr_gui.widgets.icons", "Each room of serr_gui"),
    ("serr_gui/a_new_room.py", "VALUE = 1", "Each room of serr_gui"),
    ("core/progress.py", "import PySide6.QtCore", "core stands alone"),
    ("core/errors.py", "def late():\n    import pyqtgraph", "core stands alone"),
    ("core/cli/app.py", "import serr_gui.model.settings", "core stands alone"),
    ("core/photo/reading.py", "import serr", "core stands alone"),
    ("serr/__init__.py", "import serr_gui.app", "The front door"),
    ("serr/__init__.py", "import numpy", "The front door"),
    ("serr_gui/model/state.py", "from PySide6 import QtCore", "Model, tasks and"),
    ("serr_gui/canvas/overlays.py", "import serr_gui.canvas.photo_view", "Model, tasks and"),
    ("serr_gui/tasks/exporting.py", "def late():\n    from PySide6.QtCore import QTimer", "Model, tasks and"),
    ("serr_gui/controllers/segmentation.py", "import serr_gui.canvas.photo_view", "Controllers and tasks"),
    ("serr_gui/panels/photos.py", "import serr_gui.panels.display", "Panels do not know"),
    ("serr_gui/panels/training/panel.py", "import serr_gui.panels.data_set.dialog", "Panels do not know"),
    ("serr_gui/panels/display.py", "import torch", "Panels ask"),
    ("serr_gui/panels/display.py", "import serr_gui.controllers.controller", "Panels ask"),
    ("serr_gui/panels/comparison/scores.py", "import serr_gui.tasks", "Panels ask"),
]


@pytest.mark.parametrize(("victim", "line", "contract"), BREACHES)
def test_a_breach_is_seen(copy: Path, victim: str, line: str, contract: str) -> None:
    file = copy / victim
    before = file.read_bytes() if file.exists() else None
    file.write_bytes((before or b"") + f"\n{line}\n".encode())
    try:
        broken, said = broken_contracts(copy)
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)
    assert any(name.startswith(contract) for name in broken), said


def test_every_contract_is_broken_once_here() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    names = [contract["name"] for contract in settings["contracts"]]
    assert all(any(name.startswith(contract) for _, _, contract in BREACHES) for name in names)


def test_the_page_of_the_architecture_draws_the_contracts() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    drawn = page.partition("## Who may know whom")[2].split("```")[1]
    wanted = []
    for package in DRAWN:
        layers = next(c["layers"] for c in contracts if c["type"] == "layers" and c["containers"] == [package])
        floors = [layer.replace(" | ", "   ") for layer in layers]
        wanted.append("\n".join(f"{package if floor == floors[0] else '':12}{floor}" for floor in floors))
    assert drawn.strip() == "\n\n".join(wanted)


def test_the_page_of_the_architecture_names_files_that_exist() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    package, missing = "", []
    for line in page.splitlines():
        package = line.removeprefix("## The rooms of ").strip("`") if line.startswith("## ") else package
        if package in DRAWN and line.startswith("| `"):
            named = re.findall(r"`([\w/]+(?:\.py|/))`", line)
            missing += [name for name in named if not list((ROOT / package).rglob(name.rstrip("/")))]
    assert not missing


# -------------------------------------------------------------------------------------------- what an import does


def test_importing_everything_touches_nothing_on_disk(tmp_path: Path) -> None:
    """Watched from inside the interpreter: nothing is written, made, moved or removed, no process is started."""
    names = [name for package in PACKAGES for name, _ in modules(package) if not name.endswith("__main__")]
    program = f"""
import os, sys
touched = []
def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if isinstance(flags, int) else 0
        if writes and path != os.devnull:
            touched.append((event, str(path)))
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "subprocess.Popen", "os.system",
                   "socket.connect", "sqlite3.connect"):
        touched.append((event, str(arguments[0])))
import lightning_fabric, sklearn, PySide6.QtWidgets, pyqtgraph  # what others do when imported is not ours
before = set(os.listdir())
sys.addaudithook(watch)
for name in {names!r}:
    __import__(name)
print(*touched, *(set(os.listdir()) - before), sep="\\n")
"""
    assert in_fresh_python(program, tmp_path).strip() == ""


LIGHT_PATHS = {
    "the front door": "import serr",
    "the library": "import core, core.types, core.errors, core.progress, core.resources",
    "help of the command line": """
import sys
sys.argv = ["serr", "--help"]
import core.cli
try:
    core.cli.main()
except SystemExit:
    pass
""",
    "list of models": "from core.models.catalogue import list_models; list_models()",
    "state of the desktop": "import serr_gui, serr_gui.model.state, serr_gui.model.selectors, serr_gui.canvas.overlays",
    "window of the desktop": "import serr_gui.window.main_window",
}


@pytest.mark.parametrize("path", LIGHT_PATHS)
def test_heavy_libraries_wait_until_they_are_needed(tmp_path: Path, path: str) -> None:
    tell = f"import sys; print('loaded:', *({set(HEAVY)!r} & sys.modules.keys()))"
    assert in_fresh_python(f"{LIGHT_PATHS[path]}\n{tell}", tmp_path).splitlines()[-1] == "loaded:"


# --------------------------------------------------------------------------------------------- what is written down


def test_no_two_test_files_have_the_same_name() -> None:
    """pytest collects them as modules of one name: with two of a name, the second is not run."""
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def third_party_imports(files: Iterator[Path]) -> dict[str, set[str]]:
    """Names of imported packages that are neither ours nor the standard library's, with the files that import them."""
    ours = {*PACKAGES, "resources", "tools", "bootstrap", "tests", "benchmarks"}
    found: dict[str, set[str]] = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in {name.partition(".")[0] for name in names} - ours - set(sys.stdlib_module_names):
                found.setdefault(name, set()).add(str(file.relative_to(ROOT)))
    return found


def declared(*groups: str) -> set[str]:
    """Normalised names of the distributions that pyproject.toml asks for, with those of these optional groups."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines, waiting = list(project["dependencies"]), list(groups)
    while waiting:
        for line in project["optional-dependencies"][waiting.pop()]:
            name, _, rest = line.partition("[")
            if name == project["name"]:  # a group may name others
                waiting += [group.strip() for group in rest.partition("]")[0].split(",")]
            else:
                lines.append(line)
    return {normal(re.split(r"[^\w.-]", line)[0]) for line in lines}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def undeclared(imports: dict[str, set[str]], allowed: set[str]) -> dict[str, set[str]]:
    allowed = allowed | {"shiboken6"}  # a part of PySide6, of the same version
    owners = metadata.packages_distributions()
    return {name: files for name, files in imports.items() if not {normal(d) for d in owners.get(name, [])} & allowed}


def test_every_imported_package_is_asked_for() -> None:
    """A package that is only there because another one needs it goes away with that one's next release."""
    sources = (file for package in PACKAGES for _, file in modules(package))
    # Of these, core imports what it needs where it is asked for, and says so where one is missing.
    assert undeclared(third_party_imports(sources), declared("cluster", "openvino", "parquet", "stores")) == {}
    local = {file.stem for folder in ("tests", "benchmarks", "packaging") for file in (ROOT / folder).rglob("*.py")}
    local |= {"PVBM", "onnxruntime", "skan"}  # what benchmarks measure beside this program, where it is installed
    imports = third_party_imports(file for folder in ("tests", "benchmarks") for file in (ROOT / folder).rglob("*.py"))
    assert undeclared({name: files for name, files in imports.items() if name not in local}, declared("test")) == {}


def test_the_set_up_needs_nothing_but_the_standard_library() -> None:
    imports = third_party_imports(iter([ROOT / "bootstrap.py", *(ROOT / "tools").glob("*.py")]))
    assert imports == {}


def test_the_installed_packages_are_those_that_are_asked_for() -> None:
    """The ranges in pyproject.toml are tried: what is installed lies within them."""
    problems = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert problems.returncode == 0, problems.stdout
    for name in declared("test"):
        assert metadata.version(name)


def texts() -> Iterator[Path]:
    kept = {
        ".py",
        ".md",
        ".toml",
        ".txt",
        ".spec",
        ".json",
        ".yml",
        ".yaml",
        ".cfg",
        ".html",
        ".svg",
        ".ts",
        ".qss",
        "",
    }
    folders = ("serr", "core", "serr_gui", "resources", "tests", "tools", "benchmarks", "docs", ".ci")
    for file in [*ROOT.glob("*.*"), *(file for folder in folders for file in (ROOT / folder).rglob("*"))]:
        # In a second working tree .git is a file that names a place of this computer.
        if file.is_file() and file.suffix in kept and not {"__pycache__", ".git"} & set(file.parts):
            yield file


def test_nothing_is_left_for_later_and_no_path_of_one_computer_is_told() -> None:
    later = re.compile(
        r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "place" + "holder"]) + r")\b", re.IGNORECASE
    )
    computer = re.compile(r"(?<![\w./:{}<>$~-])/(home|root|work|Users|mnt)/\w")
    unmerged = re.compile(r"(<{7} |>{7} |={7}$)")
    found = []
    for file in texts():
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if later.search(line) or computer.search(line) or unmerged.match(line):
                found.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)

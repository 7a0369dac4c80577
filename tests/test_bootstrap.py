"""The set-up, on a tiny project whose parts are all on this disk: real virtual environments, real pip, no network."""

import ast
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from linked import missing, read_linked

import bootstrap
from serr_gui.system import libraries
from serr_gui.system.screen import no_screen_named
from tools.bundle import MADE_FROM_THE_PROGRAM, fingerprint, install_for, others
from tools.checks import run_checks
from tools.checks import tests as check_of_tests
from tools.console import Failure, Log
from tools.environment import STAMP, UNFINISHED, Environment, Wanted
from tools.libraries import unfit_glibc
from tools.locking import only_one
from tools.main import main
from tools.main import test as check_all
from tools.packages import explain, pip
from tools.screen import screen_stays_shut
from tools.setup import set_up

ROOT = Path(__file__).resolve().parent.parent
CLOSED_PORT = "http://127.0.0.1:9/simple"

# A build backend of twenty lines beside the project: pip needs nothing from anywhere to install it.
BACKEND = """
import zipfile

def get_requires_for_build_editable(config_settings=None):
    return []

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{wheel_directory}/{name}", "w") as wheel:
        info = "tiny-1.0.dist-info/"
        more = open("more_metadata").read()
        wheel.writestr("tiny.py", "def main(): print('tiny works')")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n" + more)
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "entry_points.txt", "[console_scripts]\\ntiny = tiny:main\\n")
        wheel.writestr(info + "RECORD", f"tiny.py,,\\n{info}METADATA,,\\n{info}RECORD,,\\n")
    return name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "tiny"
version = "1.0"
"""


def tell(absent: Sequence[str], line: str) -> None:
    """What the tests do about libraries of the system: nothing here opens a window."""


def lay_out(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "backend.py").write_text(BACKEND)
    (folder / "more_metadata").write_text("Provides-Extra: test\n")
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set-up checkout in a folder with a space and a letter beyond ASCII. Tests put back what they change.

    Its first set-up was killed: a test of its own for that would set up twice more.
    """
    root = lay_out(tmp_path_factory.mktemp("home") / "Netzhaut für alle")
    kill_a_set_up(root)
    set_up(root, Wanted(), tell)
    return root


def kill_a_set_up(root: Path) -> None:
    """Kill a set-up without warning while pip works; what it leaves is known for unfinished."""
    # The project's own build waits until it is killed, so that the moment does not depend on the machine's speed.
    (root / "backend.py").write_text(BACKEND + "\nopen('building', 'w').close()\nimport time\ntime.sleep(600)\n")
    program = textwrap.dedent(f"""
        from pathlib import Path
        from tools.environment import Wanted
        from tools.setup import set_up
        set_up(Path({str(root)!r}), Wanted(), print)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        while not (root / "building").exists():
            assert process.poll() is None, "the set-up ended by itself"
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    environment = Environment(root)
    assert (environment.folder / UNFINISHED).exists()
    assert environment.examine(Wanted()).reason == "it was not finished"
    (root / "backend.py").write_text(BACKEND)


@pytest.fixture
def changed(finished: Path) -> Iterator[Environment]:
    """The finished environment, whose stamp and pyproject.toml are put back afterwards."""
    environment = Environment(finished)
    kept = {path: path.read_bytes() for path in (environment.stamp, finished / "pyproject.toml")}
    yield environment
    for path, content in kept.items():
        path.write_bytes(content)


# ---------------------------------------------------------------------------------------------------- what is made


def test_a_finished_environment_has_the_programs_and_is_left_alone(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = Environment(finished)
    assert environment.examine(Wanted()).state == "ready"
    said = subprocess.run([environment.program("tiny")], capture_output=True, text=True, check=True).stdout
    assert said == "tiny works\n"
    assert len(list((finished / ".venv").rglob("tiny.*.pyc"))) == 1, "compiled, so that no start has to do it"
    before = [(path, path.stat().st_mtime_ns) for path in sorted((finished / ".venv").rglob("*"))]
    set_up(finished, Wanted(), tell)
    assert capsys.readouterr().out == ""
    assert [(path, path.stat().st_mtime_ns) for path in sorted((finished / ".venv").rglob("*"))] == before


@pytest.mark.parametrize(
    ("victim", "reason"),
    [
        (STAMP, "it was not finished"),
        ("{python}", "its Python does not start"),
        ("pyvenv.cfg", "its Python does not start"),
        ("{site}/tiny.py", "tiny.py is missing"),
        ("{site}/pip", "__init__.py is missing"),
        ("{tiny}", "tiny"),
    ],
)
def test_what_is_missing_is_noticed(finished: Path, victim: str, reason: str) -> None:
    environment = Environment(finished)
    site = next((finished / ".venv").rglob("site-packages"))
    path = finished / ".venv" / victim.format(python=environment.python, site=site, tiny=environment.program("tiny"))
    hidden = path.with_name(path.name + ".hidden")
    path.rename(hidden)
    try:
        finding = environment.examine(Wanted())
    finally:
        hidden.rename(path)
    assert finding.state == "broken"
    assert reason in finding.reason


@pytest.mark.parametrize("content", ["", "{", "[]", '{"made_for": 3}', '{"made_for": {}, "pyproject": ""}'])
def test_a_damaged_stamp_counts_as_none(changed: Environment, content: str) -> None:
    changed.stamp.write_text(content)
    assert changed.examine(Wanted()).reason == "it was not finished"


def test_another_python_and_another_folder_are_noticed(changed: Environment, tmp_path: Path) -> None:
    stamp = changed.stamp.read_text()
    changed.stamp.write_text(stamp.replace("cpython-3", "cpython-2"))
    assert changed.examine(Wanted()).reason == "it was made for another Python"
    changed.stamp.write_text(stamp)
    moved = tmp_path / "moved"
    shutil.copytree(changed.root, moved, symlinks=True)
    assert Environment(moved).examine(Wanted()).reason == "it was made for another folder"


def test_a_stamp_copied_with_its_venv_does_not_vouch_for_another_folder(changed: Environment, tmp_path: Path) -> None:
    """The stamp alone is not believed: the interpreter says where it lives."""
    other = tmp_path / "other"
    shutil.copytree(changed.root, other, symlinks=True)
    elsewhere = Environment(other)
    shutil.rmtree(other / ".venv")
    (other / ".venv").symlink_to(changed.folder, target_is_directory=True)
    assert elsewhere.examine(Wanted()).state == "broken"
    with pytest.raises(Failure, match="is no virtual environment"):
        elsewhere.remove()
    assert changed.examine(Wanted()).state == "ready"


def test_what_is_only_outdated_is_completed_in_place(changed: Environment) -> None:
    assert changed.examine(Wanted(frozenset({"test"}))).state == "outdated"
    assert changed.examine(Wanted(torch="cpu")).state == "outdated"
    with (changed.root / "pyproject.toml").open("a") as file:
        file.write("\n[project.optional-dependencies]\ntest = []\n")
    assert changed.examine(Wanted()).reason == "pyproject.toml has changed"
    born = (changed.folder / "pyvenv.cfg").stat().st_mtime_ns
    set_up(changed.root, Wanted(frozenset({"test"})), tell)
    assert (changed.folder / "pyvenv.cfg").stat().st_mtime_ns == born
    assert changed.examine(Wanted(frozenset({"test"}))).state == "ready"
    assert changed.examine(Wanted()).state == "ready"


# ------------------------------------------------------------------------------------------------ what goes wrong


def test_an_interrupted_set_up_is_made_again_and_whole(finished: Path) -> None:
    """The checkout of all these tests was set up after a set-up that was killed (``kill_a_set_up``)."""
    environment = Environment(finished)
    assert environment.examine(Wanted()).state == "ready"
    assert not (environment.folder / UNFINISHED).exists()


def test_without_a_network_a_sentence_and_nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay_out(tmp_path / "checkout")
    (root / "more_metadata").write_text("Requires-Dist: there-is-no-such-package\n")
    for name in [name for name in os.environ if name.upper().startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", CLOSED_PORT)
    with pytest.raises(Failure, match=r"No network: 127\.0\.0\.1 cannot be reached.*\n.*bootstrap\.log"):
        set_up(root, Wanted(), tell)
    assert not (root / ".venv").exists()
    assert "there-is-no-such-package" in (root / ".cache" / "bootstrap.log").read_text()


def test_what_is_no_virtual_environment_is_never_removed(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "checkout")
    (root / ".venv").mkdir()
    (root / ".venv" / "thesis.txt").write_text("three years of work")
    with pytest.raises(Failure, match="Move it away"):
        set_up(root, Wanted(), tell)
    assert (root / ".venv" / "thesis.txt").read_text() == "three years of work"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no folders without write permission in this sense")
def test_a_venv_with_read_only_folders_is_removed(finished: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(finished, root, symlinks=True)
    for folder in (root / ".venv").rglob("*"):
        if folder.is_dir() and not folder.is_symlink():
            folder.chmod(0o555)
    environment = Environment(root)
    environment.remove()
    assert not environment.folder.exists()


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("OSError: [Errno 30] Read-only file system: '/x'", "read-only"),
        (
            "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
            "PIP_CERT",
        ),
        (
            "HTTPSConnectionPool(host='pypi.org', port=443): Max retries exceeded with url: /simple/torch/ (Caused by "
            "NameResolutionError: Temporary failure in name resolution)\n"
            "ERROR: No matching distribution found for torch",
            "No network: pypi.org cannot",
        ),
        (
            "Looking in indexes: https://pypi.org/simple, https://user:secret@wheels.example:8443/whl/cpu\n"
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<object>: "
            "Failed to establish a new connection: [Errno -2] Name or service not known')': /whl/cpu/torch/\n"
            "ERROR: No matching distribution found for torch",
            "No network: wheels.example cannot",
        ),
        ("HINT: This error might have occurred since this system does not have Windows Long Path support", "260"),
        ("[Errno 13] Permission denied: '/srv/x/.venv/lib'\nCheck the permissions.", "/srv/x/.venv/lib"),
    ],
)
def test_the_cause_of_a_failure_is_told(output: str, words: str) -> None:
    assert words in (explain(output) or "")


def test_an_unknown_failure_of_pip_is_quoted(finished: Path, tmp_path: Path) -> None:
    assert explain("ERROR: something new") is None
    with (
        Log(tmp_path / "log") as log,
        pytest.raises(Failure, match=r"pip install has failed\. ERROR: Invalid requirement"),
    ):
        pip(Environment(finished), log, "install", "not a requirement!")


def test_one_set_up_at_a_time(tmp_path: Path) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        with only_one(tmp_path / "lock", waiting.set, poll_s=0.01):
            order.append("second")

    thread = threading.Thread(target=second)
    with only_one(tmp_path / "lock", lambda: pytest.fail("nobody else is there")):
        thread.start()
        assert waiting.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from tools.locking import only_one
        with only_one(Path({str(tmp_path / "lock")!r}), print):
            print("held", flush=True)
            time.sleep(600)
    """)
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    with only_one(tmp_path / "lock", lambda: pytest.fail("the dead still holds it")):
        pass


# --------------------------------------------------------------------------------------- the machine and its screen


def test_an_old_python_can_read_the_door_and_is_told_what_to_do() -> None:
    tree = ast.parse((ROOT / "bootstrap.py").read_text(encoding="ascii"), feature_version=(3, 7))
    newer_syntax = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.Nonlocal, ast.Starred)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer_syntax)]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.arg) and node.annotation]
    before_the_gate = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {alias.name for node in before_the_gate for alias in node.names} <= {"os", "subprocess", "sys"}
    sentence = bootstrap.too_old((3, 8, 10), "/usr/bin/python3", "python3.12")
    assert sentence.startswith("SERR needs Python 3.11 or newer; this is Python 3.8 (/usr/bin/python3).")
    assert "python3.12 bootstrap.py run" in sentence
    assert "Install one" in bootstrap.too_old((2, 7, 18), "python", None)


def test_without_a_command_the_usage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "run" in capsys.readouterr().err


def test_what_is_compiled_for_one_process_of_the_checks_is_there_for_the_others(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    asked: list[str | Path] = [sys.executable, "-c", "import sys; print('kept:', not sys.dont_write_bytecode)"]
    assert run_checks([("asked", asked)], folder=tmp_path) == 0
    assert "kept: True" in capfd.readouterr().out


def test_a_check_that_fails_does_not_keep_the_others_from_running(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good: list[str | Path] = [sys.executable, "-c", "import os; print(os.environ['QT_QPA_PLATFORM'])"]
    bad: list[str | Path] = [sys.executable, "-c", "raise SystemExit(3)"]
    assert run_checks([("good", good)], folder=tmp_path) == 0
    assert run_checks([("bad", bad), ("good", good)], folder=tmp_path) == 1
    said = capfd.readouterr().out
    assert "FAILED (3)" in said
    assert said.count("offscreen") == 2
    assert run_checks([("good", good)], [("bad", bad), ("other", good)], folder=tmp_path) == 1
    said = capfd.readouterr().out
    assert "FAILED (3)" in said
    assert said.count("offscreen") == 2


def test_tracks_of_checks_run_at_the_same_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each waits for the other: one after the other they would never end."""
    script = "import pathlib, sys, time; here, there = map(pathlib.Path, sys.argv[1:]); here.touch()\n"
    script += "while not there.exists(): time.sleep(0.01)\nprint('met')"
    both = [("one", "two"), ("two", "one")]
    tracks = [[(here, [sys.executable, "-c", script, here, there])] for here, there in both]
    assert run_checks(*tracks, folder=tmp_path) == 0
    said = capfd.readouterr().out
    assert said.index("== one") < said.index("== two")
    assert said.count("met") == 2


def test_a_test_process_that_crashes_ends_the_checks_and_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each worker has work left, and the one that dies has finished files: there pytest-xdist waited for ever."""
    for number in range(12):
        crash = "    import os; os._exit(11)\n" if number == 8 else ""
        text = "".join(f"def test_{each}():\n    pass\n{crash if each == 4 else ''}" for each in range(10))
        (tmp_path / f"test_{number:02}.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]")
    name, (_, *command) = check_of_tests(Environment(ROOT), bundle=False)
    assert run_checks([(name, [sys.executable, *command])], folder=tmp_path) == 1
    said = capfd.readouterr().out
    assert "crashed while running 'test_08.py::test_4'" in said
    assert "1 failed" in said


def test_the_continuous_check_runs_what_a_person_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert script.rstrip().endswith("exec python3 bootstrap.py test")
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)


def test_the_program_is_built_anew_when_something_that_enters_it_has_changed(
    changed: Environment, tmp_path: Path
) -> None:
    def now() -> str:
        with Log(tmp_path / "log") as log:
            return fingerprint(changed, log)

    room = changed.root / "core"
    room.mkdir()
    (room / "module.py").write_text("ONE = 1")
    seen = [now()]
    (changed.root / "tests").mkdir()
    (changed.root / "tests" / "test_module.py").write_text("")
    (changed.root / "CHANGELOG.md").write_text("")
    (room / "module.pyc").write_bytes(b"made by Python")
    for page in MADE_FROM_THE_PROGRAM:
        (changed.root / page).parent.mkdir(parents=True, exist_ok=True)
        (changed.root / page).write_text("made by the build of the guide")
    assert now() == seen[0]
    (room / "module.py").write_text("ONE = 2")
    seen.append(now())
    (room / "module.py").rename(room / "part.py")
    seen.append(now())
    with (changed.root / "pyproject.toml").open("a") as project:
        project.write("# changed\n")
    seen.append(now())
    assert len(set(seen)) == 4
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert set(MADE_FROM_THE_PROGRAM) == {line for line in ignored if line.startswith("docs/")}


@pytest.mark.parametrize(
    "own",
    [
        "-e git+file:///home/anna/serr@bce931d53f45fd22dfbf9e09626d66481c68b5d4#egg=serr_fundus",
        "# Editable install with no version control (serr-fundus==0.1.0)\n-e /checkout/vessels",
        "serr-fundus==0.1.0",
    ],
)
def test_another_commit_alone_does_not_make_the_program_be_built_anew(own: str) -> None:
    assert others(f"numpy==2.4.6\n{own}\ntorch==2.13.0+cpu\n") == ["numpy==2.4.6", "torch==2.13.0+cpu"]


@pytest.mark.skipif(sys.platform != "linux", reason="the built program is tested on a virtual screen of X")
def test_what_the_build_and_its_tests_lack_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    there = set(libraries.LIBRARIES)
    monkeypatch.setattr("tools.libraries.missing", lambda needed: [name for name in needed if name not in there])
    with pytest.raises(Failure, match="To build and test the program this system lacks strip, Xvfb, xdotool"):
        install_for("test", tmp_path)
    (tmp_path / "apt-get").write_text("")
    (tmp_path / "apt-get").chmod(0o755)
    there -= {"libxcb-icccm.so.4", "libwayland-client.so.0"}
    monkeypatch.setattr("tools.libraries.privilege", lambda: None)
    line = "apt-get install -y --no-install-recommends binutils libxcb-icccm4 libwayland-client0"
    with pytest.raises(Failure, match=rf"lacks strip, libxcb-icccm.so.4, libwayland-client.so.0. Run\n\n.*{line}\n"):
        install_for("build", tmp_path)  # also where there is no screen: the program is for those who have one
    for name in ("Xvfb", "xdotool", "strip"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    there = set(libraries.LIBRARIES)
    install_for("test", tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="the built program is tested on a virtual screen of X")
def test_one_line_installs_what_the_tests_and_the_build_lack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apt-get").write_text("")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tools.libraries.missing", lambda needed: [name for name in needed if "libEGL" in name])
    monkeypatch.setattr("tools.libraries.privilege", lambda: None)
    with pytest.raises(Failure, match=r"apt-get install .* binutils xvfb xdotool libegl1\n"):
        check_all(lay_out(tmp_path / "checkout"), "auto", fresh=False, bundle=None)
    with pytest.raises(Failure, match=r"tests of the window need libEGL.so.1. Run\n\n.*recommends libegl1\n"):
        check_all(tmp_path / "checkout", "auto", fresh=False, bundle=False)


@pytest.mark.parametrize(
    ("environ", "system", "words"),
    [
        ({}, "linux", "neither DISPLAY nor WAYLAND_DISPLAY"),
        ({"DISPLAY": ":0"}, "linux", None),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", None),
        ({"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}, "linux", "QT_QPA_PLATFORM is offscreen"),
        ({"QT_QPA_PLATFORM": "linuxfb:fb=/dev/fb1"}, "linux", None),
        ({}, "darwin", None),
        ({}, "win32", None),
    ],
)
def test_where_there_is_no_screen(environ: dict[str, str], system: str, words: str | None) -> None:
    reason = no_screen_named(environ, system)
    assert (reason is None) if words is None else words in (reason or "")


@pytest.mark.skipif(sys.platform != "linux", reason="only X11 and Wayland name screens that need not be there")
def test_a_screen_that_does_not_open_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setenv("DISPLAY", ":7654")
    assert screen_stays_shut(Path(sys.executable)) == "the screen :7654 cannot be opened"
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert screen_stays_shut(Path(sys.executable)) is None


# ---------------------------------------------------------------------------------------- libraries of the system


def test_only_the_libraries_of_the_screens_that_are_there_are_asked_for() -> None:
    def nothing(_: str) -> bool:
        return False

    def wanted(**environ: str) -> set[str]:
        return set(libraries.missing(libraries.needed_for(environ), nothing))

    offscreen, x11, wayland = wanted(), wanted(DISPLAY=":0"), wanted(WAYLAND_DISPLAY="wayland-0")
    assert "libEGL.so.1" in offscreen
    assert "libxcb-cursor.so.0" in x11 - wayland
    assert "libwayland-client.so.0" in wayland - x11
    assert offscreen < x11
    assert wanted(QT_QPA_PLATFORM="xcb") == x11
    assert wanted(QT_QPA_PLATFORM="offscreen", DISPLAY=":0") == offscreen
    assert not set(libraries.missing(libraries.LIBRARIES, lambda _: True)) - {libraries.FONTS}


@pytest.mark.skipif(sys.platform != "linux", reason="shared libraries of Linux")
def test_a_library_is_looked_for_as_the_linker_does() -> None:
    assert libraries.loads("libc.so.6")
    assert not libraries.loads("libthere-is-none.so.7")


def test_a_font_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "truetype" / "deep").mkdir(parents=True)
    assert not libraries.any_font([str(tmp_path), str(tmp_path / "missing")])
    (tmp_path / "truetype" / "deep" / "Sans.TTF").touch()
    assert libraries.any_font([str(tmp_path)])


@pytest.mark.parametrize(
    ("tool", "command"),
    [
        ("apt-get", "apt-get install -y --no-install-recommends libgl1 libxcb-cursor0 fonts-dejavu-core"),
        ("dnf", "dnf install -y libGL.so.1()(64bit) libxcb-cursor.so.0()(64bit) dejavu-sans-fonts"),
        ("zypper", "zypper --non-interactive install libGL.so.1()(64bit) libxcb-cursor.so.0()(64bit) dejavu-fonts"),
        ("pacman", "pacman -S --noconfirm --needed libglvnd xcb-util-cursor ttf-dejavu"),
    ],
)
def test_each_package_manager_gets_its_own_names(tool: str, command: str) -> None:
    manager = libraries.find_manager(lambda name: f"/usr/bin/{name}" if name == tool else None)
    assert manager is not None
    wanted = ["libGL.so.1", "libxcb-cursor.so.0", libraries.FONTS]
    assert " ".join(manager.command(wanted)) == command
    line = libraries.line_to_run(manager, wanted)
    assert subprocess.run(["bash", "-nc", line], check=False).returncode == 0
    assert "'" in line or "(" not in line
    every = manager.packages([*libraries.LIBRARIES, libraries.FONTS])
    assert len(every) == len(set(every))
    assert "libGL.so.1" in libraries.line_to_run(None, ["libGL.so.1"])


@pytest.mark.parametrize(
    ("glibc", "machine", "words"),
    [
        ("glibc 2.36", "x86_64", None),
        ("glibc 2.34", "x86_64", None),
        ("glibc 2.31", "x86_64", "2.34 or newer"),
        ("glibc 2.36", "aarch64", "2.39 or newer"),
        ("glibc 2.40", "riscv64", "no ready-made builds for Linux on riscv64"),
        ("", "x86_64", "Alpine"),
    ],
)
def test_a_linux_without_ready_made_builds_is_refused_at_once(glibc: str, machine: str, words: str | None) -> None:
    sentence = unfit_glibc(glibc, machine)
    assert (sentence is None) if words is None else words in (sentence or "")


@pytest.mark.skipif(sys.platform != "linux", reason="shared libraries of Linux")
def test_the_table_has_all_that_qt_asks_the_system_for() -> None:
    """Read from the Qt libraries themselves, so that a newer Qt with other needs is noticed."""
    import PySide6

    qt = Path(PySide6.__path__[0]) / "Qt"
    bundled = {path.name for path in (qt / "lib").iterdir()}
    base = {f"lib{name}" for name in ("c.so.6", "m.so.6", "dl.so.2", "pthread.so.0", "gcc_s.so.1", "stdc++.so.6")}
    base |= {"libz.so.1", "libzstd.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
    needed: dict[str, set[str]] = {}
    for screen, patterns in {
        "offscreen": (
            "plugins/platforms/libqoffscreen.so",
            *(f"lib/libQt6{name}.so.6" for name in ("Widgets", "Svg", "DBus")),
        ),
        "x11": ("plugins/platforms/libqxcb.so", "plugins/xcbglintegrations/*.so", "lib/libQt6XcbQpa.so.6"),
        "wayland": (
            "plugins/platforms/libqwayland*.so",
            "lib/libQt6WaylandClient.so.6",
            "plugins/wayland-*-client/*.so",
        ),
    }.items():
        files = [file for pattern in patterns for file in qt.glob(pattern)]
        assert files, screen
        needed[screen] = needed_libraries(files, qt / "lib") - bundled - base
    assert needed["offscreen"] <= set(libraries.OFFSCREEN)
    assert needed["x11"] <= set(libraries.OFFSCREEN | libraries.X11)
    assert needed["wayland"] <= set(libraries.OFFSCREEN | libraries.WAYLAND)


@pytest.mark.skipif(sys.platform != "linux", reason="shared libraries of Linux")
def test_a_built_program_that_lacks_a_library_is_noticed(tmp_path: Path) -> None:
    import PySide6

    inside = tmp_path / "_internal"
    plugin = inside / "PySide6" / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    plugin.parent.mkdir(parents=True)
    shutil.copyfile(Path(PySide6.__path__[0]) / plugin.relative_to(inside / "PySide6"), plugin)
    (inside / "readme.txt").write_text("no library")
    qt = inside / "PySide6" / "Qt" / "lib"
    qt.mkdir()
    for name in ("libQt6XcbQpa.so.6", "libQt6Gui.so.6", "libQt6Core.so.6", "libstdc++.so.6", "libgcc_s.so.1"):
        (qt / name).touch()  # found by the plug-in's own run path
    linked = read_linked(plugin)
    assert linked is not None
    for name in set(linked.needed) & set(libraries.LIBRARIES) - {"libxcb-icccm.so.4", "libxcb-keysyms.so.1"}:
        (inside / name).touch()
    assert list(missing(tmp_path)) == [(plugin, "libxcb-icccm.so.4"), (plugin, "libxcb-keysyms.so.1")]
    said = subprocess.run(
        [sys.executable, ROOT / "packaging" / "linked.py", tmp_path], capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert "libqxcb.so needs libxcb-icccm.so.4, which is not in the program" in said.stderr
    for name in ("libxcb-icccm.so.4", "libxcb-keysyms.so.1"):
        (inside / name).touch()
    assert not list(missing(tmp_path))


def needed_libraries(files: list[Path], bundle: Path) -> set[str]:
    """Names that these ELF files and the bundled libraries under them ask the linker for."""
    wanted: set[str] = set()
    queue, seen = list(files), set(files)
    while queue:
        linked = read_linked(queue.pop())
        for name in linked.needed if linked else ():
            wanted.add(name)
            inner = bundle / name
            if inner.exists() and inner not in seen:
                seen.add(inner)
                queue.append(inner)
    return wanted

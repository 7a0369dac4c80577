"""The commands of bootstrap.py."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from serr_gui.system.screen import no_screen_named
from tools.bundle import NAME, install_for, megabytes, package, place_for_builds, refuse_large_torch
from tools.checks import bundle_tests, quick_checks, run_checks, tests
from tools.console import Failure, prepare_console, say
from tools.environment import Environment, Wanted
from tools.screen import screen_stays_shut
from tools.setup import set_up
from tools.torch_build import TorchChoice

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; gives the exit code: 0, 1 (said why), 130 (interrupted), or that of what was started."""
    prepare_console()
    chosen = _parser().parse_args(arguments)
    try:
        if chosen.command == "test":
            return test(ROOT, chosen.torch, fresh=chosen.fresh, bundle=chosen.bundle)
        if chosen.command == "package":
            return make_package(ROOT, chosen.torch, fresh=chosen.fresh, packed=not chosen.folder_only)
        return run(ROOT, chosen.torch, fresh=chosen.fresh, window=not chosen.no_window)
    except Failure as failure:
        sys.stdout.flush()
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bootstrap.py",
        description="Sets SERR up in .venv beside this file, then starts it, runs its tests, or builds the program.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("run", "start the desktop program on the sample photograph (without a screen: segment it into out/)"),
        ("test", "run all checks: ruff, mypy, import contracts, pytest, on Linux also of the built program"),
        ("package", "build the program that needs no Python, and pack it, into dist/ (or SERR_BUILD_CACHE)"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--fresh", action="store_true", help="make .venv again even where it is whole")
        command.add_argument(
            "--torch",
            choices=get_args(TorchChoice),
            default="auto",
            help="the build of torch for a new .venv: auto (CUDA where an NVIDIA GPU is found, else CPU), cpu, cuda, "
            "or default (whatever pip's index gives)",
        )
        if name == "run":
            command.add_argument("--no-window", action="store_true", help="work as where there is no screen")
        elif name == "test":
            command.add_argument(
                "--bundle",
                action=argparse.BooleanOptionalAction,
                default=None,
                help="build the program, too, and test what is built (without this: on Linux, where it can be done)",
            )
        else:
            command.add_argument("--folder-only", action="store_true", help="make no archive and no installer")
    return parser


def test(root: Path, torch: TorchChoice, *, fresh: bool, bundle: bool | None) -> int:
    """Sets up what the tests need and runs all checks; missing system libraries end it, because the tests need Qt.

    ``bundle``: build the program and test that, too. None does it on Linux, and says so where this computer cannot.
    """

    wanted = sys.platform == "linux" if bundle is None else bundle
    obstacle = ""

    def refuse(absent: Sequence[str], line: str) -> None:
        if obstacle:  # its line has these, too: one line to run, not two
            raise Failure(obstacle)
        raise Failure(f"The tests of the window need {', '.join(absent)}. Run\n\n    {line}\n\nand start this again.")

    if wanted:
        try:
            install_for("test", root)
        except Failure as failure:
            if bundle:
                raise
            obstacle = str(failure)
    extras = {"test", "package"} if wanted else {"test"}
    environment = set_up(root, Wanted(frozenset(extras), torch), refuse, fresh=fresh)
    if wanted and not obstacle:
        try:
            if torch not in ("cuda", "default"):
                refuse_large_torch(environment)
        except Failure as failure:
            if bundle:
                raise
            obstacle = str(failure)
    if not wanted or obstacle:
        code = run_checks([*quick_checks(environment), tests(environment, bundle=False)], folder=root)
        say(f"\nThe built program was not tested. {obstacle}" if obstacle else "")
        return code
    build: list[str | Path] = [sys.executable, root / "bootstrap.py", "package", "--folder-only", "--torch", torch]
    folder = place_for_builds(root) / NAME
    return run_checks(
        [*quick_checks(environment), tests(environment, bundle=True)],
        [("built program", build), bundle_tests(environment)],
        folder=root,
        variables={"SERR_BUNDLE": str(folder)},
    )


def make_package(root: Path, torch: TorchChoice, *, fresh: bool, packed: bool) -> int:
    """Builds the program and says what was made."""

    def refuse(absent: Sequence[str], line: str) -> None:
        raise Failure(f"The build needs {', '.join(absent)}. Run\n\n    {line}\n\nand start this again.")

    install_for("build", root)
    environment = set_up(root, Wanted(frozenset({"package"}), torch), refuse, fresh=fresh)
    for path in package(environment, place_for_builds(root), packed=packed, large=torch in ("cuda", "default")):
        say(f"{megabytes(path):6.0f} MB  {path}")
    return 0


def run(root: Path, torch: TorchChoice, *, fresh: bool, window: bool) -> int:
    """Starts the desktop program on the sample photograph, or segments it without a window where none can be shown."""
    obstacles = [] if window else ["as asked"]
    if window and (no_screen := no_screen_named(os.environ, sys.platform)):
        obstacles.append(no_screen)

    def go_on_without(absent: Sequence[str], line: str) -> None:
        if obstacles:
            return say(f"(A window would need {len(absent)} system libraries more: {line})")
        obstacles.append("system libraries are missing, see above")
        return say(f"The window needs {', '.join(absent)}. Run\n\n    {line}\n\nand start this again.\n")

    environment = set_up(root, Wanted(torch=torch), go_on_without, fresh=fresh)
    if not obstacles and (shut := screen_stays_shut(environment.python)):
        obstacles.append(shut)
    if obstacles:
        say(f"Without a window ({obstacles[0]}): the sample photograph is segmented on the command line.")
        return segment_sample(environment)
    say("Starting the desktop program on the sample photograph.")
    return subprocess.call([environment.python, "-m", "serr_gui", "--sample"])


def segment_sample(environment: Environment) -> int:
    """Does the job of the window by ``serr segment`` and says where the pictures are; gives its exit code."""
    sample = environment.root / "resources" / "sample" / "retina.jpg"
    out = environment.root / "out" / "sample"
    command: list[str | Path] = [environment.program("serr"), "segment", sample, "--out", out]
    code = subprocess.call(command, stdout=subprocess.DEVNULL)  # its one line for a script says what follows here
    if code != 0:
        return code
    say("")
    for title, name in (("vessel mask", "mask"), ("probability map", "probability"), ("overlay", "overlay")):
        path = out / f"retina_{name}.png"
        if not path.is_file():
            raise Failure(f"The command line ended without an error, but the {title} is not at {path}.")
        say(f"{title + ':':17}{path}")
    return 0

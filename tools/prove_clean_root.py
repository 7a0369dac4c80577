"""Proves the commands of the README on a system with almost nothing in it.

    sudo python3 tools/prove_clean_root.py                       # run and test, each as root and as an ordinary user
    sudo python3 tools/prove_clean_root.py --command run --user anna

Each trial has a root of its own: Debian's minimal base, python3, python3-venv, ca-certificates, and a copy of this
checkout. pip in it fetches from where pip here does (its configuration and PIP_... variables; folders and certificates
that these name are shown to it), and so do programs that a proxy is named to. Needs debootstrap, root, and 8 GB.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.clean_root import command_in, obstacle  # noqa: E402 - started as a file

PACKAGES = "python3,python3-venv,ca-certificates"
USER, NUMBER = "anna", 1000
HANDED = re.compile(r"(PIP_|SSL_CERT_|REQUESTS_CA_|OMP_NUM|SERR_DATA$)|.*_proxy$", re.IGNORECASE)
"""Variables that a trial is given."""
TO_RUN = re.compile(r"Run\n\n    (?:sudo )?(.+)\n\n")
"""How a command says what somebody with the right to has to install."""


@dataclass(frozen=True)
class Trial:
    """One command in a fresh root, as one user."""

    command: str
    user: str
    root: Path

    @property
    def home(self) -> Path:
        return Path("/root") if self.user == "root" else Path("/home") / self.user

    def start(self, *words: str, as_root: bool = False) -> tuple[int, str]:
        """Run words in the checkout's copy; what they say is shown and returned."""
        shown = [(path, path) for path in sorted(named_paths())]
        for path, place in shown:
            inside = self.root / str(place).lstrip("/")
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.mkdir(exist_ok=True) if path.is_dir() else inside.touch()
        number = 0 if as_root or self.user == "root" else NUMBER
        inner = ["sh", "-c", 'cd "$0" && exec "$@"', str(self.home / "serr"), *words]
        environ = {name: value for name, value in os.environ.items() if HANDED.match(name)}
        environ |= {"HOME": str(self.home), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        said = []
        command = command_in(self.root, *inner, shown=shown, user=number, network=True)
        with subprocess.Popen(
            command, env=environ, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                sys.stdout.write(f"    | {line}")
                sys.stdout.flush()
                said.append(line)
        return process.returncode, "".join(said)

    def problem(self) -> str:
        """Runs it; empty where all is as the README promises, else what is not."""
        code, said = self.start("python3", "bootstrap.py", self.command)
        asked = TO_RUN.search(said)
        if self.command == "test" and self.user != "root":
            # An ordinary user may not install what the built program takes from the system, and is shown what it is.
            if not asked:
                return "no line says what to install"
            installed, _ = self.start("sh", "-c", f"apt-get update -q && {asked[1]}", as_root=True)
            if installed != 0:
                return f"the line that it names does not work: {asked[1]}"
            code, said = self.start("python3", "bootstrap.py", "test", "--bundle")
        if code != 0:
            return f"it ended with exit code {code}"
        if self.command == "test":
            return "" if "built program" in said else "the built program was not tested"
        mask = self.root / str(self.home).lstrip("/") / "serr" / "out" / "sample" / "retina_mask.png"
        return "" if mask.is_file() else "there is no mask of the sample photograph"


def named_paths() -> Iterator[Path]:
    """Folders and files of this computer that pip's configuration and the variables handed on name."""
    configured = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    texts = [value for name, value in os.environ.items() if HANDED.match(name)]
    for text in (*texts, *re.findall(r"'(.*)'", configured.stdout)):
        for word in text.split():
            path = Path(word.removeprefix("file://"))
            if path.is_absolute() and path.exists():
                yield path.parent if path.name == "simple" else path  # an index on the disk is next to its files


def lay_out(trial: Trial, base: Path) -> None:
    """The root of a trial: a copy of the base with the checkout's files, and pip's configuration."""
    shutil.rmtree(trial.root, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", base, trial.root], check=True)
    shutil.copyfile("/etc/resolv.conf", trial.root / "etc" / "resolv.conf")
    (trial.root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")  # Debian's installer writes it, debootstrap not
    configured = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    lines = [line.removeprefix("global.") for line in configured.stdout.splitlines() if line.startswith("global.")]
    (trial.root / "etc" / "pip.conf").write_text(
        "[global]\n" + "".join(f"{line.replace(chr(39), '')}\n" for line in lines)
    )
    if trial.user != "root":
        subprocess.run(["chroot", trial.root, "useradd", "-m", "-u", str(NUMBER), trial.user], check=True)
    place = trial.root / str(trial.home).lstrip("/") / "serr"
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place / name, follow_symlinks=False)
    if trial.user != "root":
        subprocess.run(["chown", "-R", f"{NUMBER}:{NUMBER}", place], check=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--command", choices=["run", "test"], action="append", help="only this one")
    parser.add_argument("--user", choices=["root", USER], action="append", help="only as this one")
    parser.add_argument("--suite", default="bookworm", help="release of Debian (bookworm)")
    parser.add_argument("--mirror", default="http://deb.debian.org/debian")
    parser.add_argument(
        "--folder", type=Path, default=Path("/var/tmp/serr-clean-root"), help="where the roots are made"
    )
    parser.add_argument("--keep", action="store_true", help="leave the roots of the trials for a look at them")
    chosen = parser.parse_args(arguments)
    if reason := obstacle("debootstrap", "git"):
        parser.error(reason)
    base = chosen.folder / chosen.suite
    if not base.is_dir():
        made = base.with_name(f"{chosen.suite}-unfinished")
        shutil.rmtree(made, ignore_errors=True)
        made.parent.mkdir(parents=True, exist_ok=True)
        words = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", chosen.suite, str(made), chosen.mirror]
        subprocess.run(words, check=True)
        made.rename(base)
    results = []
    for command in chosen.command or ("run", "test"):
        for user in chosen.user or ("root", USER):
            trial = Trial(command, user, chosen.folder / f"{command}-{user}")
            print(f"\n== python3 bootstrap.py {command}, as {user}", flush=True)
            started = time.monotonic()
            lay_out(trial, base)
            results.append((trial, trial.problem(), time.monotonic() - started))
            if not chosen.keep:
                shutil.rmtree(trial.root)
    print()
    for trial, problem, seconds in results:
        print(f"{trial.command:5} as {trial.user:5} {'FAILED: ' + problem if problem else 'passed'} ({seconds:.0f} s)")
    return 1 if any(problem for _, problem, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())

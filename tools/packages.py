"""What goes into .venv, by pip; and what pip's failures mean for a person."""

import os
import platform
import re
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.console import Failure, Log, step
from tools.environment import Environment, Wanted
from tools.torch_build import TorchBuild, TorchChoice, candidates, find_gpus, has_own_sources, requirement

DISK_FULL = (
    "The disk is full: that of the checkout, or that of temporary files "
    f"({tempfile.gettempdir()}; the environment variable TMPDIR names another). Make room and start this again."
)

# In this order: the first that is found in pip's output is the cause, and what follows it is its consequence.
CAUSES = (
    (r"No space left on device|Errno 28\b|WinError 112|Disk quota exceeded", DISK_FULL),
    (
        r"Read-only file system|Errno 30\b",
        "The folder is read-only. Copy the checkout to a place that you may write to.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSLCertVerificationError",
        "The package index's certificate cannot be verified. Where a company's proxy looks into the traffic, name its "
        "certificate in the environment variable PIP_CERT; else check this computer's clock. Then start this again.",
    ),
    (
        r"Failed to establish a new connection|NewConnectionError|NameResolutionError|ConnectTimeoutError|"
        r"ReadTimeoutError|Name or service not known|Temporary failure in name resolution|getaddrinfo failed|"
        r"nodename nor servname|Network is unreachable|Connection refused|ConnectionResetError|RemoteDisconnected|"
        r"ProxyError|Max retries exceeded|IncompleteRead|[Cc]onnection (?:broken|timed out|reset)|Read timed out",
        "No network: {host} cannot be reached. Check the connection (behind a proxy: the environment variable "
        "HTTPS_PROXY) and start this again.",
    ),
    (
        r"Windows Long Path",
        "Windows allows only 260 letters in a path here. Move the checkout to a shorter path (C:\\SERR), or allow long "
        "paths in the Windows settings, and start this again.",
    ),
    (
        r"\[Errno 13\]|Permission denied|WinError 5\b",
        "A file may not be written: {path}. Check who owns the checkout and its .venv.",
    ),
)


def explain(output: str) -> str | None:
    """A sentence for the first known cause of a failure in the output of pip, or None."""
    for pattern, sentence in CAUSES:
        if re.search(pattern, output):
            path = re.search(r"(?:Permission denied|Access is denied): '([^']+)'", output)
            return sentence.format(host=_unreached(output), path=path[1] if path else "see the log")
    return None


def _unreached(output: str) -> str:
    """The host that pip could not reach: where its name is not told, that of the index whose path is."""
    if named := re.search(r"host='([^']+)'", output):
        return named[1]
    indexes = re.findall(r"https?://(?:[^/\s@]+@)?([^/\s:,]+)(?::\d+)?(/[^\s,]*)", output)
    asked = re.search(r"': (/\S+)", output)
    of_path = [host for host, path in indexes if asked and asked[1].startswith(path)]
    return next(iter(of_path or [host for host, _ in indexes]), "the package index")


class NoSuchPackage(Failure):
    """pip's sources were reached, and do not have what was asked for."""


def pip_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables under which pip acts on .venv alone; where it fetches from stays as its owner has set it."""
    elsewhere = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "VIRTUAL_ENV")
    kept = {name: value for name, value in environ.items() if name.upper() not in elsewhere}
    return kept | {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def pip(environment: Environment, log: Log, *arguments: str) -> str:
    """Runs pip in the checkout's folder; gives its output, or raises Failure with the cause of its failure."""
    command: list[str | Path] = [environment.python, "-m", "pip", *arguments]
    if arguments[0] == "install":
        command += ["--retries", "2", "--progress-bar", "off", "--no-compile"]  # _compile does that on all cores
    code, output = log.run(command, env=pip_environment(), cwd=environment.root)
    if code == 0:
        return output
    if sentence := explain(output):
        raise Failure(sentence)
    if absent := re.search(r"No matching distribution found for (\S+)", output):
        raise NoSuchPackage(
            f"No build of {absent[1]} was found for Python {platform.python_version()} on {sysconfig.get_platform()}."
        )
    last = next((line for line in reversed(output.splitlines()) if line.lower().startswith("error")), "")
    raise Failure(f"pip {arguments[0]} has failed. {last}".strip())


def install(environment: Environment, wanted: Wanted, log: Log) -> None:
    """Installs torch, then the project (editable) with its dependencies, and checks the result."""
    asked = requirement(environment.root)
    if asked is not None and (wanted.torch != "auto" or not _has_torch(environment, log)):
        _install_torch(environment, wanted.torch, asked, log)
    with step("the other packages"):
        pip(
            environment, log, "install", "--editable", f".[{','.join(sorted(wanted.extras))}]" if wanted.extras else "."
        )
    with step("bytecode"):
        _compile(environment, log)
    with step("check"):
        pip(environment, log, "check")
        if asked is not None:
            trial = "import torch, numpy, cv2, core; print(torch.__version__)"
            code, output = log.run([environment.python, "-I", "-c", trial])
            if code != 0:
                raise Failure(f"The installed packages do not start: {(output.strip().splitlines() or ['?'])[-1]}")


def _compile(environment: Environment, log: Log) -> None:
    """Compile the packages, but not their tests, which nobody imports. A file that cannot be compiled harms nothing."""
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    code, site = log.run([environment.python, "-I", "-c", asked])
    if code == 0:
        log.run([environment.python, "-m", "compileall", "-q", "-j", "0", "-x", r"[/\\]tests?[/\\]", site.strip()])


def _has_torch(environment: Environment, log: Log) -> bool:
    """An update keeps the build that is there, also on a day when the GPU is switched off."""
    return log.run([environment.python, "-I", "-c", "from importlib.metadata import version; version('torch')"])[0] == 0


def _install_torch(environment: Environment, choice: TorchChoice, asked: tuple[str, str], log: Log) -> None:
    gpus = find_gpus() if choice in ("auto", "cuda") else []
    own_sources = has_own_sources(pip(environment, log, "config", "list"))
    why, builds = candidates(choice, sys.platform, gpus, own_sources, asked)
    with step(f"torch {asked[1]}: {builds[0].label} ({why})"):
        for build in builds:
            log.note(f"\ntorch: trying {build}")
            try:
                pip(environment, log, "install", build.requirement, *_index(build))
            except NoSuchPackage as error:
                failure = error
            else:
                return
        raise NoSuchPackage(
            f"{failure} It needs Python 3.11 to 3.14 on 64-bit Linux, Windows (x64) or macOS 14 (Apple silicon). If "
            "this is such a machine, name an index that has it in PIP_EXTRA_INDEX_URL, or take what pip's index has, "
            "with --torch default (on Linux that may be some gigabytes of CUDA)."
        )


def _index(build: TorchBuild) -> list[str]:
    return ["--extra-index-url", build.index] if build.index else []

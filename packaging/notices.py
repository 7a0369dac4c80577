"""The licences of everything in a built program, gathered from what was really put into it."""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import Message
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|copyright|authors)", re.IGNORECASE)
_OURSELVES = "serr-fundus"

# What a distribution of Qt says in one line instead of a file.
_QT_TEXTS = ("LGPL-3.0.txt", "GPL-3.0.txt")
_QT_NOTE = (
    "Qt and PySide6 are used under the GNU Lesser General Public License, version 3. They lie in the program's folder "
    "as separate libraries, which may be replaced by modified ones. Source: https://download.qt.io/official_releases/"
)


@dataclass
class Part:
    """One thing that ships: a Python distribution, Python itself, or a package of the system it was built on."""

    name: str
    version: str
    licence: str
    home: str = ""
    texts: list[Path] = field(default_factory=list)
    note: str = ""


def write_notices(sources: Iterable[Path], folder: Path) -> list[Part]:
    """Write ``THIRD-PARTY.txt`` and the texts of all licences into a folder.

    Parameters
    ----------
    sources : the files that the program was built from, as they lie on this computer.

    Raises
    ------
    SystemExit : a part has no licence text, or a file belongs to nothing that is known.
    """
    files = {path.resolve() for path in sources}
    distributions, rest = _distributions(files)
    system, unknown = _system_packages(rest)
    if unknown:
        raise SystemExit("These files are in the program, and no licence is known for them:\n" + "\n".join(unknown))
    parts = sorted([_python(), *distributions, *system], key=lambda part: part.name.lower())
    without = [part.name for part in parts if not part.texts]
    if without:
        raise SystemExit(f"No licence text was found for: {', '.join(without)}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = [
        "SERR Fundus contains the following, besides its own code. The full texts are in the folders beside this file.",
        "",
    ]
    for part in parts:
        place = folder / f"{part.name}-{part.version}"
        place.mkdir()
        for text in part.texts:
            name = text.name if not (place / text.name).exists() else f"{text.parent.name}-{text.name}"
            shutil.copyfile(text, place / name)
        lines += [f"{part.name} {part.version}", f"    {part.licence}", f"    {part.home}" if part.home else ""]
        lines += [f"    {part.note}"] if part.note else []
    text = "\n".join(line for line in lines if line is not None)
    (folder / "THIRD-PARTY.txt").write_text(
        re.sub(r"\n{2,}", "\n", text).replace("file.\n", "file.\n\n") + "\n", encoding="utf-8"
    )
    return parts


def _distributions(files: set[Path]) -> tuple[list[Part], set[Path]]:
    """The Python distributions that own some of the files, and the files that none of them owns."""
    parts, rest = [], set(files)
    for distribution in metadata.distributions():
        owned = {Path(str(distribution.locate_file(file))).resolve() for file in distribution.files or ()}
        if not owned & files:
            continue
        rest -= owned
        if distribution.metadata["Name"] == _OURSELVES:  # a checkout in which pip has been may know it twice
            continue
        # Shared libraries that a wheel brings beside its package are its own; bytecode stands for a source.
        parts.append(_part(distribution, owned))
    site = Path(sysconfig.get_path("purelib")).resolve()
    return parts, {path for path in rest if site not in path.parents}


def _part(distribution: metadata.Distribution, owned: set[Path]) -> Part:
    about: Message = distribution.metadata  # type: ignore[assignment]
    name = str(about["Name"])
    inside = [
        path for path in sorted(owned) if _LICENCE_FILE.search(path.name) and path.suffix not in (".py", ".pyc", ".so")
    ]
    texts = [path for path in inside if path.is_file() and (".dist-info" in str(path) or "third" in path.name.lower())]
    texts = texts or [path for path in inside if path.is_file()]
    licence = about["License-Expression"] or ""
    if not licence:
        classified = [
            line.split(" :: ")[-1] for line in about.get_all("Classifier") or () if line.startswith("License ::")
        ]
        short = str(about["License"] or "").strip()
        licence = short if 0 < len(short) < 80 else "; ".join(classified) or "see the text"
    note = ""
    if name.lower().replace("-", "_") in ("pyside6_essentials", "shiboken6"):
        texts, note = [HERE / "licences" / name for name in _QT_TEXTS], _QT_NOTE
    return Part(name, distribution.version, licence, _home(about), texts, note)


def _home(about: Message) -> str:
    if about["Home-page"]:
        return str(about["Home-page"])
    for line in about.get_all("Project-URL") or ():
        label, _, address = line.partition(",")
        if label.strip().lower() in ("homepage", "home", "repository", "source", "source code", "documentation"):
            return str(address.strip())
    return ""


def _python() -> Part:
    places = [Path(sysconfig.get_path("stdlib"), "LICENSE.txt"), Path(sys.base_prefix, "LICENSE.txt")]
    places.append(Path(f"/usr/share/doc/python{sys.version_info.major}.{sys.version_info.minor}/copyright"))
    texts = [path for path in places if path.is_file()][:1]
    return Part("Python", sys.version.split()[0], "PSF-2.0", "https://www.python.org", texts)


def _system_packages(files: set[Path]) -> tuple[list[Part], list[str]]:
    """On Debian and its like: the packages that own the libraries which were taken from the system."""
    python = (Path(sys.base_prefix).resolve(), Path(sysconfig.get_path("stdlib")).resolve(), HERE.parent)
    left = sorted(str(path) for path in files if not any(root in path.parents for root in python))
    if not left or shutil.which("dpkg-query") is None:
        return [], []  # elsewhere nothing but Python's own files and the wheels' is taken
    # With a merged /usr a package may know the file by its path without /usr.
    asked = {name: path for path in left for name in (path, path.removeprefix("/usr"))}
    answer = subprocess.run(["dpkg-query", "-S", *asked], capture_output=True, text=True, check=False).stdout
    owners = {}
    for line in answer.splitlines():
        names, _, path = line.partition(": ")
        owners[asked.get(path, path)] = names.split(",")[0].split(":")[0].strip()
    parts = []
    for name in sorted(set(owners.values())):
        query = ["dpkg-query", "-W", "-f", "${Version}|${Homepage}", name]
        version, _, home = subprocess.run(query, capture_output=True, text=True, check=True).stdout.partition("|")
        texts = [Path("/usr/share/doc", name, "copyright")]
        parts.append(Part(name, version.replace(":", "_"), "see the text", home, texts))
    return parts, [path for path in left if path not in owners]

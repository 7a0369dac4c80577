"""What has to agree when a release is made, and what the packages for the systems are made from."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core import __version__
from core.photo.reading import PHOTO_SUFFIXES

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (\S+)$", citation, re.MULTILINE)[1] == __version__  # type: ignore[index]
    about = ElementTree.parse(PACKAGING / "linux" / "serr-fundus.metainfo.xml")
    release = about.find("releases/release")
    assert release is not None
    assert release.get("version") == __version__
    date = re.search(r"^date-released: (\S+)$", citation, re.MULTILINE)
    assert date is not None
    assert release.get("date") == date[1]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {__version__}" in changes or "## Unreleased" in changes


def test_the_menu_entry_offers_what_can_be_opened() -> None:
    entry = dict(
        line.split("=", 1)
        for line in (PACKAGING / "linux" / "serr-fundus.desktop").read_text(encoding="utf-8").splitlines()
        if "=" in line
    )
    types = {
        "png": "image/png",
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "tif": "image/tiff",
        "tiff": "image/tiff",
        "bmp": "image/bmp",
        "gif": "image/gif",
        "ppm": "image/x-portable-pixmap",
        "pgm": "image/x-portable-graymap",
    }
    offered = set(entry["MimeType"].rstrip(";").split(";"))
    assert offered == set(types.values())
    assert set(types) <= {suffix.lstrip(".") for suffix in PHOTO_SUFFIXES}
    installer = (PACKAGING / "windows" / "serr-fundus.iss").read_text(encoding="utf-8")
    assert set(re.findall(r'Extension\("\.(\w+)"\)', installer)) == set(types)
    assert entry["Exec"].endswith("%F")


def test_the_lock_file_holds_a_version_that_pyproject_allows_for_every_package_of_the_build() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [Requirement(text) for text in project["dependencies"] + project["optional-dependencies"]["package"]]
    text = (PACKAGING / "requirements-lock.txt").read_text(encoding="utf-8")
    locked: dict[str, list[str]] = {}
    for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
        held = Requirement(line)
        locked.setdefault(canonicalize_name(held.name), []).append(str(held.specifier).removeprefix("=="))
    for wanted in asked:
        if wanted.name != project["name"]:
            versions = locked.get(canonicalize_name(wanted.name), [])
            assert versions, f"{wanted.name} is not in the lock file: make it again (its head says how)"
            assert all(wanted.specifier.contains(version) for version in versions), (wanted, versions)
    release = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    assert "PIP_CONSTRAINT: ${{ github.workspace }}/packaging/requirements-lock.txt" in release


def test_what_checks_before_a_commit_is_what_the_gate_checks_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (ruff,) = (Requirement(text) for text in project["optional-dependencies"]["test"] if text.startswith("ruff"))
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    version = re.search(r"ruff-pre-commit\n +rev: v(\S+)", hooks)
    assert version is not None
    assert ruff.specifier.contains(version[1])


def test_the_build_leaves_out_nothing_that_is_imported() -> None:
    """The build ends where this says so. tifffile is needed and not left out; what is left out is not needed."""
    tree = ast.parse((ROOT / "build.spec").read_text(encoding="utf-8"))
    lists = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    left_out = ast.literal_eval(lists["EXCLUDED"])
    command = [sys.executable, PACKAGING / "needed.py", "tifffile", *left_out]
    needed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert needed.returncode == 1
    assert "core/export.py: import tifffile" in needed.stderr
    others = [line for line in needed.stderr.splitlines() if "tifffile" not in line]
    assert not others, "take it from EXCLUDED in build.spec"


def test_icons_are_drawn_in_all_sizes(tmp_path: Path) -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from pictures import write_icons;"
    script += "write_icons(Path(sys.argv[2]), Path(sys.argv[3]))"
    svg = ROOT / "resources" / "icons" / "serr.svg"
    subprocess.run([sys.executable, "-c", script, PACKAGING, svg, tmp_path], check=True)
    from PIL import Image

    for size in (16, 22, 24, 32, 48, 64, 128, 256, 512):
        with Image.open(tmp_path / f"serr-fundus-{size}.png") as picture:
            assert picture.size == (size, size)
            assert picture.getchannel("A").getextrema() == (0, 255)
    with Image.open(tmp_path / "serr-fundus.ico") as picture:
        assert {(16, 16), (32, 32), (256, 256)} <= picture.info["sizes"]
    with Image.open(tmp_path / "serr-fundus.icns") as picture:
        assert max(size[0] for size in picture.info["sizes"]) >= 512


@pytest.mark.parametrize("missing", [False, True])
def test_licences_are_gathered_or_the_build_ends(tmp_path: Path, missing: bool) -> None:
    """A made-up distribution beside the real ones: with its licence text it is listed, without it the build ends."""
    site = tmp_path / "site"
    info = site / "strange_part-2.5.dist-info"
    info.mkdir(parents=True)
    (site / "strange_part.py").write_text("")
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: strange-part\nVersion: 2.5\nLicense-Expression: ISC\n")
    files = ["strange_part.py", "strange_part-2.5.dist-info/METADATA"]
    if not missing:
        (info / "LICENSE").write_text("Permission to use, copy ...")
        files.append("strange_part-2.5.dist-info/LICENSE")
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in files))
    for own in (site / "serr_fundus-1.dist-info", site / "checkout" / "serr_fundus-1.dist-info"):
        own.mkdir(parents=True)
        (own / "METADATA").write_text("Metadata-Version: 2.4\nName: serr-fundus\nVersion: 1\n")
        (own / "RECORD").write_text("program.py,,\n")
        (own.parent / "program.py").write_text("")
    script = (
        "import json, sys; sys.path[:0] = json.loads(sys.argv[1]); from pathlib import Path;"
        "from notices import write_notices; write_notices(map(Path, sys.argv[3:]), Path(sys.argv[2]))"
    )
    words = [json.dumps([str(PACKAGING), str(site), str(site / "checkout")]), tmp_path / "out"]
    words += [site / name for name in ("strange_part.py", "program.py", "checkout/program.py")]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    if missing:
        assert done.returncode != 0
        assert "No licence text was found for: strange-part" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "out" / "THIRD-PARTY.txt").read_text(encoding="utf-8")
    assert "strange-part 2.5\n    ISC" in table
    assert "Python 3" in table
    assert "serr-fundus" not in table
    assert (tmp_path / "out" / "strange-part-2.5" / "LICENSE").read_text().startswith("Permission")

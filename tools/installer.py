"""A Debian package of the built program."""

import os
import shutil
import subprocess
from pathlib import Path

from tools.console import step

# What Qt takes from a system with a screen; the rest is in the program's folder.
NEEDED = ("libc6 (>= 2.34)", "libegl1", "libgl1", "libx11-6", "libxcb1", "zlib1g")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

CONTROL = """\
Package: serr-fundus
Version: {version}
Architecture: {architecture}
Maintainer: SERR Fundus developers <serr-fundus@users.noreply.github.com>
Installed-Size: {size}
Depends: {needed}
Recommends: fonts-dejavu-core | fonts-noto-core, xdg-utils, libwayland-cursor0, libwayland-egl1
Section: science
Priority: optional
Description: find the vessels in colour fundus photographs
 Segments the blood vessels of the retina with a SERR-U-Net, shows the result
 over the photograph, lets a person move the threshold, and exports the mask.
 .
 For research and teaching only: not a medical device.
"""


def debian_package(root: Path, folder: Path, version: str) -> Path:
    """Make ``serr-fundus_VERSION_ARCHITECTURE.deb`` beside the folder of the built program."""
    architecture = ARCHITECTURES.get(os.uname().machine, os.uname().machine)
    path = folder.parent / f"serr-fundus_{version}_{architecture}.deb"
    with step(path.name):
        tree = folder.parent / "deb"
        shutil.rmtree(tree, ignore_errors=True)
        try:
            _lay_out(tree, root, folder, version, architecture)
            # -Zxz: also older systems read it. Files belong to root, whoever builds this.
            command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z4", "--build", str(tree), str(path)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        finally:
            shutil.rmtree(tree, ignore_errors=True)
    return path


def _lay_out(tree: Path, root: Path, folder: Path, version: str, architecture: str) -> None:
    place = tree / "opt" / "serr-fundus"
    shutil.copytree(folder, place, symlinks=True, copy_function=_link)
    share = tree / "usr" / "share"
    linux = root / "packaging" / "linux"
    for source, target in (
        (linux / "serr-fundus.desktop", share / "applications" / "serr-fundus.desktop"),
        (linux / "serr-fundus.metainfo.xml", share / "metainfo" / "io.github.serr_fundus.metainfo.xml"),
        (root / "LICENSE", share / "doc" / "serr-fundus" / "copyright"),
        (root / "resources" / "icons" / "serr.svg", share / "icons/hicolor/scalable/apps/serr-fundus.svg"),
    ):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for picture in (folder / "_internal" / "resources" / "icons").glob("serr-fundus-*.png"):
        size = picture.stem.rpartition("-")[2]
        target = share / "icons" / "hicolor" / f"{size}x{size}" / "apps" / "serr-fundus.png"
        target.parent.mkdir(parents=True)
        shutil.copyfile(picture, target)
    for name in ("serr", "serr-gui"):
        link = tree / "usr" / "bin" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"/opt/serr-fundus/{name}")
    kilobytes = sum(path.lstat().st_size for path in tree.rglob("*") if not path.is_dir()) // 1024
    control = tree / "DEBIAN" / "control"
    control.parent.mkdir()
    needed = ", ".join(NEEDED)
    text = CONTROL.format(version=version, architecture=architecture, size=kilobytes, needed=needed)
    control.write_text(text, encoding="utf-8")
    for path in tree.rglob("*"):
        if not path.is_symlink() and not path.is_relative_to(place):
            path.chmod(0o755 if path.is_dir() else 0o644)


def _link(source: str, target: str) -> None:
    """A second name instead of a copy: the tree is only packed."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)

"""The user guide is built as it ships, without a warning, and every link in it leads somewhere on the disk."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent


class Page(HTMLParser):
    """What a page refers to, what in it can be referred to, and what its browser would fetch by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {str(found[name]) for name in ("id", "name") if found.get(name)}
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        self.fetched += [str(found[name]) for name in ("src", "href") if tag != "a" and found.get(name)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("guide")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", out / "doctrees", "docs", out / "html"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return out / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_link_and_picture_is_there(pages: dict[Path, Page]) -> None:
    assert len(pages) > 12
    lost = []
    for path, page in pages.items():
        for link in (*page.links, *page.fetched):
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "data"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor_lost = parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors
            if not target.is_file() or anchor_lost:
                lost.append(f"{path.name}: {link}")
    assert not [line for line in lost if not line.endswith("#")]


def test_nothing_is_fetched_from_a_network(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert not [link for link in page.fetched if link.startswith(("http:", "https:", "//"))], path
    for style in site.rglob("*.css"):
        assert "url(http" not in style.read_text(encoding="utf-8"), style


def test_the_command_line_page_has_every_command_and_option_of_the_program(site: Path) -> None:
    page = (site / "guide" / "command-line.html").read_text(encoding="utf-8")
    for name in ("segment", "replay", "evaluate", "train", "models show", "info", "--skip-existing", "--threshold"):
        assert name in page
    assert "Folder for the results; made where it is missing." in page


def test_it_says_what_the_program_is_not_for(site: Path) -> None:
    for name in ("index.html", "guide/numbers.html"):
        assert "not a medical device" in (site / name).read_text(encoding="utf-8")

"""The user guide: ``python -m sphinx -W docs site`` makes HTML that ships inside the program and needs no network."""

import re
import sys
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from reference import write_reference  # noqa: E402

from core import __version__  # noqa: E402

project = "SERR Fundus"
release = version = __version__
html_title = f"{project} {release}"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3  # links to headings, as on the pages of a code host
exclude_patterns = ["site", "_build"]
smartquotes = False  # it would make a dash of the two hyphens before an option
html_theme = "furo"
html_logo = html_favicon = "../resources/icons/serr.svg"
html_theme_options = {"top_of_page_buttons": []}
html_use_index = False  # there are no entries for one
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["guide.css"]
highlight_language = "none"  # of blocks that name none: they are commands and folders
pygments_style = "tango"
pygments_dark_style = "monokai"


def keep_options_whole(_app: Any, _page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    """A line of code that is broken on a narrow screen is not broken after the hyphens of an option."""

    def marked(block: re.Match[str]) -> str:
        return re.sub(r"(?<![\w-])(--?[\w-]+)", r'<span class="pre">\1</span>', block[0])

    context["body"] = re.sub(r"(?s)(?<=<pre>).*?(?=</pre>)", marked, context.get("body", ""))


def setup(app: Any) -> None:
    """Make the pages of commands and of recipes from the program itself, so that they are never stale."""
    write_reference(HERE / "guide")
    app.connect("html-page-context", keep_options_whole)

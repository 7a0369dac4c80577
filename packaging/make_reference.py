"""Make the mask that ``serr-gui --selftest`` compares with; to be run after the default model has changed.

python packaging/make_reference.py
"""

import sys
from pathlib import Path

from PIL import Image, PngImagePlugin

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.models.catalogue import load_model
from core.photo.reading import read_fundus
from core.resources import resource_path
from core.segment import segment_photo
from serr_gui.selftest import reference_path


def main() -> None:
    found = segment_photo(read_fundus(resource_path("sample", "retina.jpg")), load_model())
    about = PngImagePlugin.PngInfo()
    about.add_text("model-sha256", found.model_sha256)
    Image.fromarray(found.mask.vessel).save(reference_path(), optimize=True, pnginfo=about)


if __name__ == "__main__":
    main()

"""What a photograph takes of memory, in counted bytes a pixel: the same on every machine, however busy."""

import tracemalloc
from pathlib import Path

from PIL import Image

from core.datasets.synthetic import draw_case
from core.export import ExportChoices, export_segmentation
from core.models.catalogue import load_model
from core.models.weights_file import LoadedModel
from core.photo.reading import read_fundus
from core.segment import segment_photo
from tests.core.test_batch_kills import untrained

SIDE_PX = 700
MOST_BYTES = 30
"""A pixel, at once: measured 26, of which the photograph as read has 3 and its planes for the network 4. One copy more
of the photograph as floats would be 12."""


def whole_way(photo: Path, model: LoadedModel, out: Path) -> None:
    """From the file to all results."""
    found = segment_photo(read_fundus(photo), model)
    export_segmentation(found, out, photo.stem, ExportChoices())


def test_a_photograph_takes_few_bytes_a_pixel_besides_the_network(tmp_path: Path) -> None:
    model = load_model(untrained(tmp_path / "small.safetensors"))
    for side in (100, SIDE_PX):
        Image.fromarray(draw_case(1, side).image.rgb).save(tmp_path / f"{side}.png")
    whole_way(tmp_path / "100.png", model, tmp_path)  # modules are imported, tables are made
    tracemalloc.start()  # counts numpy's and OpenCV's arrays, not torch's tensors
    try:
        whole_way(tmp_path / f"{SIDE_PX}.png", model, tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 15 < peak / SIDE_PX**2 < MOST_BYTES

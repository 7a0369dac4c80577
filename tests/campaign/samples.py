"""A sound file of every kind that the program reads, small, made again by the program itself and by other libraries."""

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import tifffile
import torch
from PIL import Image
from torch import nn

from core.cli.app import run as serr
from core.jobs.records import JobRequest, JobStatus
from core.models.model_card import ModelCard
from core.models.weights_file import save_model
from core.networks.registry import build
from serr_gui.model.settings import Settings
from tests.bad_inputs import encoded, fundus_drawing
from tests.job_runs import RECIPE, drawn_dataset, recipe
from tests.small_model import CONFIG
from tests.small_model import RECIPE as RECIPE_OF_MODEL

PHOTO = "eye.png"


def write_samples(folder: Path) -> list[Path]:
    """Write them all into a folder, each into a sub-folder that is called after how it is read; returns the files."""
    made: list[Path] = []

    def put(reader: str, name: str, data: bytes) -> Path:
        path = folder / reader / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        made.append(path)
        return path

    for name, make in _PICTURES.items():
        put("photograph", name, make())
    mask = fundus_drawing(60, 64)[..., 0] > 50
    put("label", "label.png", encoded("PNG", mask))
    put("label", "label.gif", encoded("GIF", mask.astype(np.uint8) * np.uint8(255)))
    for dtype in (np.float32, np.uint8, np.bool_):
        buffer = io.BytesIO()
        np.save(buffer, mask.astype(dtype))
        put("prediction", f"map-{np.dtype(dtype)}.npy", buffer.getvalue())
    put("prediction", "map.tif", _tiff(mask.astype(np.float32), photometric="minisblack"))

    work = folder / "work"
    work.mkdir()
    (work / PHOTO).write_bytes(encoded("PNG", fundus_drawing(60, 64)))
    model = save_model(work / "small.safetensors", _network(), _card())
    put("model", model.name, model.read_bytes())
    out = work / "out"
    assert serr(["segment", str(work / PHOTO), "--model", str(model), "-o", str(out), "--device", "cpu"]) == 0
    put("sidecar", "eye.serr.json", (out / "eye.serr.json").read_bytes())

    dataset = drawn_dataset(work)
    put("dataset", dataset.name, dataset.read_bytes())
    config = recipe(work, dataset, steps=5)
    put("recipe", "recipe.toml", RECIPE.format(dataset="drawn.serr-dataset", steps=5).encode())
    from core.training.config import to_toml
    from core.training.loop import train

    put("recipe", "whole.toml", to_toml(config).encode())
    train(config, work, work / "run", device="cpu")
    for name in ("checkpoint.safetensors", "events.jsonl"):
        put("run", name, (work / "run" / name).read_bytes())
    order = JobRequest("a job", "notes", "2026-01-01T00:00:00+00:00", ".", "drawn", estimate={"total_s": 3.5})
    put("job", "job.json", json.dumps({"serr_job": 1, **asdict(order)}).encode())
    status = JobStatus(state="done", start_id="a", pid=7, pid_started=1.5, weights="tiny.safetensors")
    put("job", "status.json", json.dumps(asdict(status)).encode())
    put("job", "control", b"pause")
    put("settings", "desktop.json", json.dumps(asdict(Settings(recent=("/a", "/b"), model="small"))).encode())
    choices = {"expert 1": {"file": "/a.png", "found": False}, "field of view": {"wish": "file", "file": "/f.png"}}
    put("choices", "labels.json", json.dumps({"version": 1, "photographs": {"/eye.png": choices}}).encode())
    from tests.campaign.sessions import NAME, journal_log, write_sample

    put("session", NAME, write_sample(work / NAME, folder).read_bytes())
    put("journal", "journal.log", journal_log(folder))
    return [*made[-2:], *made[:-2]]


def _network() -> nn.Module:
    """A network that nobody has trained; its head is turned up, so that its probabilities are not all alike."""
    torch.manual_seed(0)
    network = build("serr-unet", CONFIG).eval()
    with torch.no_grad():
        network.head.weight.mul_(30.0)  # type: ignore[union-attr, operator]
    return network


def _card() -> ModelCard:
    return ModelCard("small", "serr-unet", CONFIG, RECIPE_OF_MODEL, training={"data": {"dataset": "drawn"}})


def _tiff(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]", **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def _picture(kind: str, **options: object) -> Callable[[], bytes]:
    return lambda: encoded(kind, fundus_drawing(60, 64), **options)


def _stereo() -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(fundus_drawing(60, 64))
    picture.save(buffer, "MPO", save_all=True, append_images=[picture])
    return buffer.getvalue()


_DEEP = np.uint16(257)
_PICTURES: dict[str, Callable[[], bytes]] = {
    "eye.png": _picture("PNG"),
    "eye16.png": lambda: bytes(cv2.imencode(".png", fundus_drawing(60, 64) * _DEEP)[1]),
    "eye.jpg": _picture("JPEG", quality=80),
    "progressive.jpg": _picture("JPEG", progressive=True),
    "stereo.mpo": _stereo,
    "eye.bmp": _picture("BMP"),
    "eye.gif": _picture("GIF"),
    "eye.ppm": _picture("PPM"),
    "eye.ppm.gz": lambda: gzip.compress(encoded("PPM", fundus_drawing(60, 64)), mtime=0),
    "eye.tif": _picture("TIFF"),
    "lzw.tif": _picture("TIFF", compression="tiff_lzw"),
    "deflate.tif": _picture("TIFF", compression="tiff_adobe_deflate"),
    "tiled.tif": lambda: _tiff(fundus_drawing(64, 64), photometric="rgb", tile=(32, 32)),
    "deep.tif": lambda: _tiff(fundus_drawing(60, 64) * _DEEP, photometric="rgb", rowsperstrip=9),
    "planar.tif": lambda: _tiff(
        np.moveaxis(fundus_drawing(60, 64) * _DEEP, 2, 0), photometric="rgb", planarconfig="separate"
    ),
}

"""What a cold start imports, counted and not timed: time goes where modules come in."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import process_environment, write_photo
from tests.core.test_batch_kills import untrained

NEVER = ("torch._dynamo", "torch._inductor", "sympy", "sklearn", "scipy", "skimage", "lightning_fabric", "distributed")
"""Heavy, and for other commands."""


@pytest.mark.parametrize(
    ("words", "most"),
    [(["--help"], 240), (["models"], 125), (["models", "show", "serr-unet-drive"], 125), (["segment"], 345)],
)
def test_a_cold_start_imports_little(tmp_path: Path, words: list[str], most: int) -> None:
    if words == ["segment"]:
        photo = write_photo(tmp_path / "eye.png", 100, 100)
        weights = untrained(tmp_path / "small.safetensors")
        words = ["segment", str(photo), "--out", str(tmp_path / "out"), "--model", str(weights), "--fov", "full"]
    program = (
        "import sys; from core.cli import main; code = main(sys.argv[1:]); "
        "print(*(f'loaded:{name}' for name in sys.modules), file=sys.stderr); sys.exit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, *words], env=process_environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    modules = [word.removeprefix("loaded:") for word in ran.stderr.split() if word.startswith("loaded:")]
    assert not [name for name in modules if name.startswith(NEVER)]
    own = [name for name in modules if name.partition(".")[0] not in {"torch", *sys.stdlib_module_names}]
    if words[0] == "segment":  # photographs are read while torch is imported, so what reads them comes before it
        first = modules.index("torch")
        assert {"cv2", "core.segment_files", "core.photo.reading"} <= set(modules[:first])
        assert not {"core.inference.predictor", "core.networks.registry"} & set(modules[:first])
        commands = {name for name in modules if name.startswith("core.cli.")}
        assert not commands & {"core.cli.batch", "core.cli.evaluate", "core.cli.jobs", "core.cli.measure"}
        assert "core.networks.deeplab_v3plus" not in modules, "the family of this model, not all of them"
    assert len(own) <= most, "more modules than a photograph needs: import what is heavy where it is used"
    if words[0] == "models":
        assert "serr-unet-drive" in ran.stdout
        assert not {"numpy", "torch", "cv2", "safetensors"} & set(modules), "headers of files are read without arrays"
    if "--help" in words:
        assert not {"numpy", "torch", "cv2", "pydantic", "psutil", "filelock"} & set(modules)

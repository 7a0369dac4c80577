"""Seconds for a photograph: the network alone, the chain in memory, and a whole process from start to files.

    python benchmarks/inference_speed.py [PHOTO ...] [--model NAME|FILE] [--repeats 5] [--device auto]

Without photographs two are drawn, of the size of DRIVE's (565 x 584) and HRF's (3504 x 2336). Prints Markdown tables:
medians over the repeats; "late" is how late a thread wakes that wants to run every 5 ms while the network computes, the
95th percentile and the largest: what a window on the same cores would feel. Nothing else should run on the machine.

    python benchmarks/inference_speed.py [PHOTO ...] --compare MODEL [MODEL ...] [--repeats 3]

Models side by side on one thread of the processor, in processor seconds, which other work on the machine hardly
changes, each with its share of the first one's time. A photograph that a model brings to a finer grid is also measured
without that.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))

_TICK_S = 0.005


class Ticker(threading.Thread):
    """Wants to wake every 5 ms, and notes by how much it was late."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.late_ms: list[float] = []
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            before = time.perf_counter()
            time.sleep(_TICK_S)
            self.late_ms.append((time.perf_counter() - before - _TICK_S) * 1000)

    def stop(self) -> None:
        self._over.set()
        self.join()


def measure(
    *, photo: str, model: str, device: str, precision: str, threads: int, repeats: int, coarse: bool = False
) -> dict[str, object]:
    """Run in a process of its own, because the wait policy is read when torch is loaded.

    ``coarse`` : without the finer grid of large photographs.
    """
    from dataclasses import replace

    from core.inference.options import InferenceOptions
    from core.inference.predictor import predict
    from core.models.catalogue import load_model
    from core.photo.field_of_view import estimate_field_of_view
    from core.photo.preprocessing import prepare
    from core.photo.reading import read_fundus
    from core.photo.recipe import Preprocessing
    from core.segment import segment_photo

    loaded = load_model(model)
    if coarse:
        recipe = Preprocessing.from_dict(loaded.card.preprocessing.to_dict() | {"fov_diameter_max_px": 0})
        loaded = replace(loaded, card=replace(loaded.card, preprocessing=recipe))
    image = read_fundus(Path(photo))
    fov = estimate_field_of_view(image)
    data = prepare(image, fov, loaded.card.preprocessing)
    options = InferenceOptions(device=device, precision=precision, threads=threads or None)  # type: ignore[arg-type]
    settled = predict(loaded, data, options)  # also warms up
    network, chain, used, used_by_chain = [], [], [], []
    ticker = Ticker()
    ticker.start()
    for _ in range(repeats):
        started, before = time.perf_counter(), time.process_time()
        predict(loaded, data, replace(settled.options))
        network.append(time.perf_counter() - started)
        used.append(time.process_time() - before)
    ticker.stop()
    for _ in range(repeats):
        started, before = time.perf_counter(), time.process_time()
        segment_photo(image, loaded, options=settled.options)
        chain.append(time.perf_counter() - started)
        used_by_chain.append(time.process_time() - before)
    late = sorted(ticker.late_ms)
    return {
        "network": statistics.median(network),
        "chain": statistics.median(chain),
        "network_processor": statistics.median(used),
        "chain_processor": statistics.median(used_by_chain),
        "late_95": late[int(0.95 * len(late))],
        "late_max": late[-1],
        "size": f"{image.shape[1]} x {image.shape[0]}",
        "grid": f"{data.inside.shape[1]} x {data.inside.shape[0]}",
        "precision": settled.precision,
        "threads": settled.options.threads,
        "tiles": settled.tiles,
        "device": settled.device_label,
    }


def in_a_process(policy: str, **arguments: object) -> dict[str, object]:
    environment = os.environ | {"OMP_WAIT_POLICY": policy}
    environment.pop("OMP_NUM_THREADS", None)
    command = [sys.executable, __file__, "--one", json.dumps(arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def whole_process(photo: Path, model: str, device: str, repeats: int) -> float:
    """Median seconds of ``serr segment`` for one photograph, from the start of Python to the last file."""
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    environment.pop("OMP_NUM_THREADS", None)
    seconds = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as out:
            command = [sys.executable, "-m", "core.cli", "segment", str(photo.absolute()), "--out", out]
            command += ["--model", model, "--device", device]
            started = time.perf_counter()
            subprocess.run(command, env=environment, capture_output=True, check=True, cwd=_ROOT)
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def drawn(folder: Path) -> list[Path]:
    from PIL import Image

    from core.datasets.synthetic import draw_case

    paths = []
    for name, width, height in (("drive-size", 565, 584), ("hrf-size", 3504, 2336)):
        side = max(width, height)
        rgb = draw_case(1, side).image.rgb
        top, left = (side - height) // 2, (side - width) // 2
        paths.append(folder / f"{name}.png")
        Image.fromarray(rgb[top : top + height, left : left + width]).save(paths[-1])
    return paths


def image_size(photo: Path) -> tuple[int, int]:
    from PIL import Image

    with Image.open(photo) as image:
        return image.size


def compare(photos: list[Path], models: list[str], repeats: int) -> None:
    """Print the table of ``--compare``."""
    print(
        f"{platform.system()}, {platform.machine()}, one thread; medians of {repeats}; load {os.getloadavg()[0]:.0f}\n"
    )
    print("| photograph | model | network's grid | format | network, processor | chain, processor | network, share |")
    print("| --- " * 7 + "|")
    for photo in photos:
        first, is_large = 0.0, image_size(photo)[0] > 1440
        for model in models:
            for coarse in (False, True)[: 1 + is_large]:
                given = {"photo": str(photo), "model": model, "device": "cpu", "precision": "auto", "threads": 1}
                one = in_a_process("PASSIVE", **given, repeats=repeats, coarse=coarse)
                seconds = float(str(one["network_processor"]))
                first = first or seconds
                name = f"{model}, without the finer grid" if coarse else model
                print(
                    f"| {one['size']} | {name} | {one['grid']} | {one['precision']} | {seconds:.2f} s | "
                    f"{one['chain_processor']:.2f} s | {seconds / first:.2f} |",
                    flush=True,
                )


def main() -> None:
    from core.models.catalogue import DEFAULT_MODEL

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--compare", nargs="+", metavar="MODEL")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(**json.loads(given.one))))
        return

    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        photos = given.photos or drawn(Path(folder))
        if given.compare:
            compare(photos, given.compare, given.repeats)
            return
        print(
            f"{platform.system()}, {platform.machine()}, {cores} cores, Python {platform.python_version()}; medians.\n"
        )
        print(
            "| photograph | network's grid | format | threads | waiting | tiles | network | chain | late (95 %, max) |"
        )
        print("| --- " * 9 + "|")
        ways = [
            ("PASSIVE", "auto", 0),
            ("PASSIVE", "fp32", 0),
            ("PASSIVE", "auto", max(1, cores - 1)),
            ("ACTIVE", "auto", 0),
        ]
        for photo in photos:
            for policy, precision, threads in ways:
                one = in_a_process(
                    policy,
                    photo=str(photo),
                    model=given.model,
                    device=given.device,
                    precision=precision,
                    threads=threads,
                    repeats=given.repeats,
                )
                print(
                    f"| {one['size']} | {one['grid']} | {one['precision']} | {one['threads']} | {policy.lower()} | "
                    f"{one['tiles']} | {one['network']:.2f} s | {one['chain']:.2f} s | "
                    f"{one['late_95']:.1f} ms, {one['late_max']:.0f} ms |",
                    flush=True,
                )
        print("\n| photograph | whole process |\n| --- | --- |")
        for photo in photos:
            print(
                f"| {photo.name} | {whole_process(photo, given.model, given.device, given.repeats):.2f} s |", flush=True
            )


if __name__ == "__main__":
    main()

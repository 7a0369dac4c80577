"""What each part of the method is worth: one thing changed at a time, the same photographs and budget, several seeds.

    python benchmarks/ablation.py --root DATA --out RESULTS [--page docs/benchmarks/ablation.md]
    python benchmarks/ablation.py --root DATA --out RESULTS --groups recipe --no-test --steps 200 --seeds 0

The first form compares networks and steps of the preprocessing: learned and chosen on DRIVE's training part, measured
once on its test part. The second compares variants of a recipe on held-out photographs of the training part alone, with
``--preset fine-tune --from MODEL`` also of training on from a model.

The program can be stopped at any time, or after ``--minutes``. Called again with the same RESULTS it leaves out what is
done and resumes what was begun; what is not finished is in no table. RESULTS is small and may be copied to another
machine; RUNS (``--runs``) has the checkpoints. ``--jobs`` trains so many at once. ``--steps fit`` tries how fast a step
is beside the others and takes as many steps as the minutes allow for one seed of all, and all of those to be tested.
"""

import argparse
import os
import signal
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import connection, get_context, parent_process
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from ablation_arms import BASELINE, ENOUGH_SEEDS, GROUPS, NETWORKS, Arm, Folders, arms_of, in_order, shortened

from core.cli.console import CANCELLED_CODE
from core.errors import SerrError
from core.files import write_bytes_atomic
from core.networks.cost import gflop
from core.progress import Cancelled
from core.training.config import TrainingConfig, load_config, load_preset

USUAL_STEPS: Final = 1500
FEWEST_STEPS: Final = 1000
GOOD_STEPS: Final = 2500
MOST_STEPS: Final = 4500
_MOST_THREADS: Final = 4
_TRIAL_S: Final = 6.0
_BESIDE_S: Final = 14.0
"""What an arm takes beside its steps: reading, validating, measuring."""
_SPARE: Final = 0.85
"""The share of the time that is planned with: the others may be slower later than while they start."""


@dataclass
class Slots:
    """Does tasks in their order in so many processes; what an arm took says whether another one still fits in."""

    jobs: int
    device: str
    until: float
    failed: list[str] = field(default_factory=list)
    taken: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._context = get_context("spawn")
        self._stopped: Event = self._context.Event()
        self._pools = [self._pool() for _ in range(self.jobs)]

    def _pool(self) -> ProcessPoolExecutor:
        threads = min(_MOST_THREADS, max(1, (os.cpu_count() or 1) // self.jobs))
        return ProcessPoolExecutor(1, self._context, _begin_process, (threads, self._stopped))

    def everywhere(self, work: Callable[..., float], *arguments: object) -> list[float]:
        """Do the same in all processes at the same time."""
        return [asked.result() for asked in [pool.submit(work, *arguments) for pool in self._pools]]

    def alone(self, work: Callable[..., str], *arguments: object) -> None:
        """Do something in one process, and nothing in the others."""
        print(self._pools[0].submit(work, *arguments).result(), flush=True)

    def do(self, tasks: Sequence[Any], *works: Callable[[Any], str]) -> None:
        """All works on each task, as far as the time reaches."""
        waiting = list(tasks)
        threads = [Thread(target=self._serve, args=(number, waiting, works)) for number in range(self.jobs)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            print("stopping", flush=True)
            self._stopped.set()
            for thread in threads:
                thread.join()

    @property
    def is_stopped(self) -> bool:
        return bool(self._stopped.is_set())

    def close(self) -> None:
        for pool in self._pools:
            pool.shutdown()

    def _next(self, waiting: list[Any]) -> Any | None:
        """The first task that there is time for; of an arm that nothing is known of, the longest until now."""
        with self._lock:
            left, longest = self.until - time.time(), max(self.taken.values(), default=0.0)
            for task in waiting if left > 0 and not self._stopped.is_set() else ():
                if self.taken.get(task.arm.name, longest) <= left:
                    waiting.remove(task)
                    return task
            return None

    def _serve(self, number: int, waiting: list[Any], works: Sequence[Callable[[Any], str]]) -> None:
        while (task := self._next(waiting)) is not None:
            began = time.time()
            try:
                for work in works:
                    print(self._pools[number].submit(work, task).result(), flush=True)
            except Cancelled:
                print(f"{task.key}: stopped, and can be resumed", flush=True)
            except Exception as error:  # noqa: BLE001 - another arm may well succeed, in a fresh process
                print(f"{task.key}: {error if isinstance(error, SerrError) else repr(error)}", flush=True)
                self.failed.append(task.key)
                self._pools[number].shutdown(wait=False)
                self._pools[number] = self._pool()
            else:
                self.taken[task.arm.name] = time.time() - began


def _begin_process(threads: int, stopped: Event) -> None:
    """Ctrl+C is the first process's to answer, and no process outlives it."""
    import torch
    from ablation_work import Until

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(threads)
    Until.stopped = stopped

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            connection.wait([parent.sentinel])
            os._exit(1)

    Thread(target=watch, daemon=True).start()


class Here(Slots):
    """One task after the other in this very process."""

    def __post_init__(self) -> None:
        self._stopped = get_context("spawn").Event()

    def everywhere(self, work: Callable[..., float], *arguments: object) -> list[float]:
        return [work(*arguments)]

    def alone(self, work: Callable[..., str], *arguments: object) -> None:
        print(work(*arguments), flush=True)

    def do(self, tasks: Sequence[Any], *works: Callable[[Any], str]) -> None:
        waiting = list(tasks)
        while (task := self._next(waiting)) is not None:
            try:
                for work in works:
                    print(work(task), flush=True)
            except Cancelled:
                print(f"{task.key}: stopped, and can be resumed", flush=True)

    def close(self) -> None:
        pass


def steps_that_fit(seconds: float, step_s: float, arms: Sequence[Arm], recipe: TrainingConfig, jobs: int) -> int:
    """How many steps there is time for, in hundreds, where SERR-U-Net needs ``step_s`` for each.

    For all seeds of all arms where that leaves ``GOOD_STEPS``, else for those that are trained first. Other networks
    are reckoned to need half of SERR-U-Net's time, and the other half by their arithmetic.
    """

    def cost(arm: Arm) -> float:
        part = arm.recipe(recipe, 0).network
        return gflop(part.architecture, part.config)

    whole = gflop("serr-unet", {})
    shares = [0.5 + 0.5 * cost(arm) / whole for arm in arms]

    def fitting(seeds: Sequence[int]) -> int:
        room = _SPARE * seconds * jobs - _BESIDE_S * sum(seeds)
        per_step = step_s * sum(share * many for share, many in zip(shares, seeds, strict=True))
        return min(MOST_STEPS, int(room / per_step) // 100 * 100)

    everything = fitting([ENOUGH_SEEDS] * len(arms))
    return everything if everything >= GOOD_STEPS else max(FEWEST_STEPS, fitting([arm.early_seeds for arm in arms]))


def settled(chosen: argparse.Namespace, folders: Folders, slots: Slots, arms: Sequence[Arm]) -> TrainingConfig:
    """The recipe of all arms. It is kept, and a later call has to want the same."""
    from ablation_work import Task, seconds_per_step

    recipe = load_config(chosen.config) if chosen.config else load_preset(chosen.preset)
    if chosen.start_from:
        recipe = recipe.replaced("network", start_from=chosen.start_from, keep_scale=False)
    if chosen.peak_rate is not None:
        recipe = recipe.replaced("optimisation", peak_rate=chosen.peak_rate)
    batch = chosen.batch or recipe.optimisation.batch
    kept, steps = folders.out / "recipe.json", chosen.steps
    if kept.is_file():
        before = TrainingConfig.model_validate_json(kept.read_text(encoding="utf-8"))
        wanted = before.optimisation.steps if steps == "fit" else int(steps)
        if shortened(recipe, wanted, batch) != before:
            sys.exit(f"{chosen.out} was begun with another recipe or other steps: choose another folder")
        return before
    if steps == "fit":
        arm, until = next(arm for arm in NETWORKS if arm.name == BASELINE), slots.until
        trial = Task(arm, chosen.seeds[0], shortened(recipe, MOST_STEPS, batch), folders, chosen.device, until)
        slowest = max(slots.everywhere(seconds_per_step, trial, _TRIAL_S))
        steps = steps_that_fit(until - time.time(), slowest, arms, recipe, max(1, slots.jobs))
        print(f"{1000 * slowest:.1f} ms a step: {steps} steps", flush=True)
    recipe = shortened(recipe, int(steps), batch)
    write_bytes_atomic(kept, recipe.model_dump_json().encode())
    return recipe


def pack(folders: Folders, file: Path, most_bytes: int) -> None:
    """All results in one file, and of the weights as many as there is room for: what is not measured yet first."""
    small = sorted(path for path in folders.out.rglob("*") if path.suffix in {".json", ".png", ".md", ".webp"})
    weights = sorted(folders.out.glob("arms/*.safetensors"), key=lambda path: (_is_measured(folders, path), path.name))
    room = most_bytes - sum(path.stat().st_size for path in small)
    with tarfile.open(file, "w:gz") as archive:
        for path in small:
            archive.add(path, path.relative_to(folders.out))
        for path in weights:
            if path.stat().st_size < room:
                room -= path.stat().st_size
                archive.add(path, path.relative_to(folders.out))
    print(f"{file}: {file.stat().st_size / 2**20:.1f} MB", flush=True)


def _is_measured(folders: Folders, weights: Path) -> tuple[bool, bool]:
    return folders.scores(weights.stem).is_file(), not weights.stem.endswith("-0")


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--runs", type=Path, help="folder of the checkpoints; default: runs in OUT")
    parser.add_argument("--stages", nargs="+", choices=["time", "train", "page"], default=["time", "train", "page"])
    parser.add_argument("--groups", nargs="+", choices=list(GROUPS), default=["networks", "preprocessing"])
    parser.add_argument("--only", nargs="+", help="some of the names")
    parser.add_argument("--no-test", action="store_true", help="never look at test photographs")
    parser.add_argument("--steps", default=str(USUAL_STEPS), help="a number, or fit")
    parser.add_argument("--batch", type=int, default=8, help="crops in a step; 0: as the recipe says")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--preset", default="strong")
    parser.add_argument("--config", type=Path, help="recipe in the place of a preset")
    parser.add_argument("--from", dest="start_from", default="", help="model to train on")
    parser.add_argument("--peak-rate", type=float, help="instead of the recipe's")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once; 0: in this process")
    parser.add_argument("--timing-s", type=float, default=8.0, help="seconds to measure the networks' speed for")
    parser.add_argument("--minutes", type=float, help="stop after so many")
    parser.add_argument("--page", type=Path, help="default: ablation.md in OUT")
    parser.add_argument("--pack", type=Path, help="put all results into this file (.tar.gz)")
    parser.add_argument("--pack-mb", type=float, default=14.0, help="its largest size")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    began, parser = time.time(), options()
    chosen = parser.parse_args(words)
    arms = arms_of(chosen.groups)
    if unknown := set(chosen.only or []) - {arm.name for arm in arms}:
        known = ", ".join(arm.name for arm in arms)
        parser.error(f"--only {', '.join(sorted(unknown))} is not among: {known}")
    if chosen.steps == "fit" and not chosen.minutes:
        parser.error("--steps fit needs --minutes")
    if chosen.steps != "fit" and not (chosen.steps.isdigit() and int(chosen.steps)):
        parser.error(f"--steps {chosen.steps} is not a number of steps")
    folders = Folders(chosen.root, chosen.out, chosen.runs or chosen.out / "runs")
    until = began + 60 * chosen.minutes if chosen.minutes else float("inf")
    folders.out.mkdir(parents=True, exist_ok=True)
    slots = (Slots if chosen.jobs else Here)(chosen.jobs, chosen.device, until)
    try:
        return _stages(chosen, folders, slots, arms_of(chosen.groups, chosen.only))
    except KeyboardInterrupt:
        print("stopped, and can be resumed", flush=True)
        return CANCELLED_CODE
    finally:
        slots.close()


def _stages(chosen: argparse.Namespace, folders: Folders, slots: Slots, arms: Sequence[Arm]) -> int:
    import ablation_page
    from ablation_work import Task, draw_maps, lacks_maps, measure_arm, time_networks, train_arm

    recipe = settled(chosen, folders, slots, arms)

    def task(arm: Arm, seed: int) -> Task:
        drawn = arm in NETWORKS and seed == chosen.seeds[0]
        return Task(arm, seed, recipe, folders, chosen.device, slots.until, drawn)

    if "time" in chosen.stages and not folders.times(_kind(chosen.device)).is_file():
        slots.alone(time_networks, task(arms[0], 0), list(NETWORKS), chosen.timing_s)
    if "train" in chosen.stages:
        for arm in (arm for arm in arms if arm.lacks):
            print(f"{arm.name}: left out, there is no network {arm.lacks} here", flush=True)
        runs = [task(arm, seed) for arm, seed in in_order(arms, chosen.seeds) if not arm.lacks]
        fresh = [one for one in runs if not folders.trained(one.key).is_file()]
        slots.do(fresh, *([train_arm] if chosen.no_test else [train_arm, measure_arm]))
        if not chosen.no_test and not slots.is_stopped:
            kept = [one for one in runs if folders.trained(one.key).is_file()]
            slots.taken.clear()
            slots.do([one for one in kept if not folders.scores(one.key).is_file()], measure_arm)
            slots.do([one for one in kept if lacks_maps(one)], draw_maps)
    if chosen.pack:
        pack(folders, chosen.pack, int(chosen.pack_mb * 2**20))
    if "page" in chosen.stages:
        place = chosen.page or folders.out / "ablation.md"
        ablation_page.write(place, folders, recipe, arms, chosen.seeds, tested=not chosen.no_test)
        print(place, flush=True)
    if slots.failed:
        print(f"failed: {', '.join(slots.failed)}", flush=True)
    return 1 if slots.failed else 0


def _kind(device: str) -> str:
    """The kind of device, found without keeping one that is named busy from this process."""
    from core.inference.device import choose_device

    return choose_device(device).kind if device == "auto" else device.partition(":")[0]


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # a job in the background of a shell ignores Ctrl+C
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())

"""``python -m tests.campaign --seed N --tries N``: what was tried and how often; ends with 1 where something failed.

--tries N    mutants of files, over all kinds
--kills N    kills, at random moments and at every file event of each scenario in turn
--faults N   disks that are full, read-only or broken from a file event on, or in the middle of a file
--only KIND,...  mutants and scenarios of these kinds alone, such as session,journal
--keep DIR   where files that made something fail are kept
"""

import argparse
import importlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))  # as pytest has it
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

from tests.campaign.children import FAULTS, Ended, OnEvent, Reader, fail_from, kill_at, run_child
from tests.campaign.mutants import mutant


def places_in_turn(events: dict[str, int], chance: random.Random) -> list[tuple[str, int]]:
    """Each file event of each scenario once, the last first to be taken: one of each scenario in turn."""
    left = {name: chance.sample(range(1, count + 1), count) for name, count in events.items()}
    rounds = range(max(events.values(), default=0))
    order = [(name, numbers[turn]) for turn in rounds for name, numbers in left.items() if turn < len(numbers)]
    return order[::-1]


@dataclass
class Campaign:
    """One run of it; all that happens follows from the seed, but for the moments of random kills."""

    seed: int
    folder: Path
    keep: Path | None
    only: frozenset[str] = frozenset()
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    tried: int = 0

    def read_mutants(self, samples: Path, files: list[Path], tries: int) -> None:
        from tests.campaign.readers import read

        def do(request: str) -> str:
            reader, _, path = request.partition("\t")
            return read(reader, Path(path), samples)

        reader = Reader(do)
        files = [file for file in files if not self.only or file.parent.name in self.only]
        place = self.folder / "mutants"

        def ask(source: Path, data: bytes, what: str) -> Ended:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            (place / source.name).write_bytes(data)
            ended = reader.ask(f"{source.parent.name}\t{place / source.name}")
            if ended.failure:
                self.fail(f"{what} {source.parent.name}/{source.name}", ended.failure, place)
            return ended

        for source in files:
            if ask(source, source.read_bytes(), "the sound file").text == "refused":
                self.fail(f"the sound file {source.parent.name}/{source.name}", "it is refused", place)
        for number in range(tries):
            source = files[number % len(files)]
            data = mutant(source.name, source.read_bytes(), random.Random(f"{self.seed}/{number}"))
            ended = ask(source, data, f"mutant {number} of")
            self.counts[f"mutants of {source.parent.name}: {ended.text or 'FAILED'}"] += 1
            if number % 500 == 499:
                _say(f"... {number + 1} mutants")
        reader.end()

    def interrupt(self, samples: Path, kills: int, faults: int) -> None:
        from tests.campaign.scenarios import SCENARIOS

        names = [name for name in SCENARIOS if not self.only or name in self.only]
        events = {name: self.count_events(name, samples) for name in names}
        chance = random.Random(self.seed)
        places = places_in_turn({name: events[name][0] for name in names}, chance)
        for number in range(kills):
            if places and number % 4 < 3:
                name, event = places.pop()
                what, kind = f"killed at file event {event}", "kills at file events"
                self.try_scenario(name, samples, what, kind, kill_at(event))
            else:
                name = chance.choice(names)
                moment = chance.uniform(0.0, events[name][1])
                what, kind = f"killed after {moment:.2f} s", "kills at random moments"
                self.try_scenario(name, samples, what, kind, kill_s=moment)
        for number in range(faults):
            name = names[number % len(names)]
            if number // len(names) % 4 == 3:
                size = chance.choice((1, 100, 1000, 5000, 20_000, 60_000))
                self.try_scenario(name, samples, f"files end at {size} bytes", "disks full in a file", limit=size)
            else:
                event, code = chance.randrange(1, events[name][0] + 1), chance.choice(FAULTS)
                what = f"{os.strerror(code)} from file event {event} on"
                self.try_scenario(name, samples, what, "disks that refuse", fail_from(event, code))

    def count_events(self, name: str, samples: Path) -> tuple[int, float]:
        """File events of a scenario, and how long it takes; the folder is then checked, too."""
        began = time.monotonic()
        ended = self.try_scenario(name, samples, "not interrupted", "scenarios to their end")
        self.counts[f"file events of {name}"] = ended.events
        return max(ended.events, 1), time.monotonic() - began

    def try_scenario(
        self,
        name: str,
        samples: Path,
        what: str,
        counted: str,
        on_event: OnEvent | None = None,
        *,
        kill_s: float = 0.0,
        limit: int = 0,
    ) -> Ended:
        from core.errors import SerrError
        from tests.campaign.scenarios import SCENARIOS

        scenario = SCENARIOS[name]
        folder = self.folder / "scenario" / "here"
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)

        def work() -> str:
            try:
                scenario.work(folder, samples)
            except SerrError as error:
                return f"refused: {error}"
            return "done"

        def done(step: object) -> str:
            step(folder, samples)  # type: ignore[operator]
            return "done"

        prepared = run_child(lambda: done(scenario.prepare), folder)
        ended = run_child(work, folder, on_event=on_event, kill_after_s=kill_s, file_bytes=limit)
        checked = run_child(lambda: done(scenario.check), folder)
        self.counts[f"{counted}: {name}"] += 1
        self.tried += 1
        if self.tried % 50 == 0:
            _say(f"... {self.tried} tries")
        killed = ended.killed and (on_event is not None or kill_s)
        problems = [prepared.failure, "" if killed else ended.failure, checked.failure]
        if any(problems):
            self.fail(f"{name}, {what}", "\n".join(filter(None, problems)), folder)
        return ended

    def fail(self, what: str, why: str, remains: Path) -> None:
        self.failures.append(what)
        _say(f"FAILED: {what}\n{why}\n")
        if self.keep is not None:
            place = self.keep / f"{len(self.failures):04d}"
            place.mkdir(parents=True, exist_ok=True)
            (place / "why.txt").write_text(f"{what}\n{why}\n", encoding="utf-8")
            (shutil.copytree if remains.is_dir() else shutil.copy)(remains, place / remains.name)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__.partition("\n")[0])
    for name, default in (("seed", 0), ("tries", 1000), ("kills", 100), ("faults", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)  # a fork knows nothing of the threads of its parent
    with tempfile.TemporaryDirectory(prefix="serr-campaign-") as text:
        folder, samples = Path(text), Path(text) / "samples"
        os.environ |= {f"SERR_{name}": str(folder / name.lower()) for name in ("MODELS", "JOBS", "CONFIG_DIR")}
        samples.mkdir()
        made = run_child(lambda: _write_samples(samples), folder)
        if made.failure:
            _say(made.failure)
            return 1
        paths, _, modules = made.text.partition("\n\n")
        files = [Path(line) for line in paths.splitlines()]
        _import_all(modules.split())
        campaign = Campaign(options.seed, folder, options.keep, frozenset(filter(None, options.only.split(","))))
        campaign.read_mutants(samples, files, options.tries)
        campaign.interrupt(samples, options.kills, options.faults)
    for what, count in sorted(campaign.counts.items()):
        _say(f"{count:6} {what}")
    _say(f"{len(campaign.failures):6} failures, seed {options.seed}")
    return 1 if campaign.failures else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _write_samples(samples: Path) -> str:
    from tests.campaign.samples import write_samples
    from tests.campaign.scenarios import write_reference

    files = write_samples(samples)
    write_reference(samples)
    return "\n".join(str(path) for path in files) + "\n\n" + " ".join(sys.modules)


def _import_all(modules: list[str]) -> None:
    """What a child had to import: once here, and not again in each of the children to come."""
    for name in modules:
        if not name.startswith("__"):
            with suppress(Exception):
                importlib.import_module(name)


if __name__ == "__main__":
    sys.exit(main())

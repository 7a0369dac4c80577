"""A batch on a Dask cluster: this process keeps the manifest, workers segment a few photographs at a time.

A worker writes the results and gives back what became of each photograph. Where it is killed, Dask gives its
photographs to another, which finds whole results by their side-car (``core.results.judge``) and makes only the rest.
Where the scheduler ends, this process waits until it is back, and sends what was not done to the new one; where this
process ends, the same command started again continues. Needs the package ``distributed``.
"""

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from core.batch.items import Item, Outcome
from core.batch.options import BatchOptions
from core.batch.plan import Batch
from core.batch.run import Claims, claims_of
from core.batch.steps import Done, PhotoSteps
from core.batch.wanted import wanted_by
from core.errors import InputError, SerrError
from core.models.catalogue import find_model, load_model
from core.models.weights_file import LoadedModel
from core.pipeline import run_pipeline
from core.progress import SILENT, Monitor
from core.results import Wanted

LOCAL: Final = "local"
_CHUNK: Final = 8
"""Photographs of a task: enough for reading and writing beside the network, few to be done again after a kill."""
_POLL_S: Final = 0.5
_CONNECT_S: Final = 10
_COMES_BACK_S: Final = 600.0
"""For so long a scheduler that is gone is waited for."""


class ClusterError(SerrError):
    """The cluster cannot be reached, or is gone."""


def run_on_cluster(
    batch: Batch,
    shard: int,
    address: str,
    *,
    device: str = "auto",
    most_bad: float = 100.0,
    finished: Callable[[Item, Outcome], None] | None = None,
    monitor: Monitor = SILENT,
) -> None:
    """Do all photographs of a shard that wait, on the workers of a cluster.

    Parameters
    ----------
    address : of a Dask scheduler, such as ``tcp://host:8786``, or "local" for workers on this machine. All workers must
        see photographs, results and model under the same paths. Where some have a resource GPU, those alone are taken,
        one task for each GPU.
    most_bad, finished : as for ``run_shard``.

    Raises
    ------
    ClusterError : the package is missing, or the scheduler cannot be reached, or is gone and does not come back within
    ten minutes; what is done stays done.
    TooManyBadError, OutputError, InputError, Cancelled : as ``run_shard``.
    """
    with claims_of(batch, shard, most_bad=most_bad, finished=finished, monitor=monitor) as claims:
        sender = _Sender(batch, claims, device)
        patience_s: float = _CONNECT_S
        while True:
            with _client(address, patience_s, claims) as client:
                if sender.run(client):
                    return
            if address == LOCAL:
                raise _gone()
            monitor.note("The Dask scheduler is gone. What is done stays done; the rest is sent when it is back.")
            patience_s = _COMES_BACK_S


class _Sender:
    """Keeps every worker busy and writes down what they give back."""

    def __init__(self, batch: Batch, claims: Claims, device: str) -> None:
        self._batch, self._claims, self._device = batch, claims, device
        self._items = iter(claims.take, None)
        self._again: list[list[Item]] = []
        self._run = secrets.token_hex(6)
        self._client: Any = None
        self._sent: dict[Any, list[Item]] = {}

    def run(self, client: Any) -> bool:
        """Whether all is done; where the scheduler goes, what was sent to it is sent again to the next one."""
        distributed = _distributed()
        self._client = client
        try:
            while self._again:
                self._send(self._again.pop())
            self._send_more(self._items)
            while self._sent:
                self._claims.tally.step()
                if client.status != "running":
                    raise distributed.comm.CommClosedError
                try:
                    over = distributed.wait(list(self._sent), timeout=_POLL_S, return_when="FIRST_COMPLETED").done
                except TimeoutError:
                    over = set()
                for future in over:
                    self._take_back(future)
                self._send_more(self._items)
            return True
        except (distributed.CancelledError, distributed.comm.CommClosedError, OSError):
            self._again += self._sent.values()
            self._sent.clear()
            return False
        finally:
            for future in self._sent:
                future.cancel()

    def _send_more(self, items: Iterator[Item]) -> None:
        """Two tasks for each worker: one that runs and one that it has already."""
        most = max(2, 2 * len(self._workers()))
        while len(self._sent) < most and (chunk := list(islice(items, _CHUNK))):
            self._send(chunk)

    def _send(self, chunk: list[Item]) -> None:
        self._again.append(chunk)  # unless it gets away
        with_gpu = any("GPU" in worker.get("resources", {}) for worker in self._workers().values())
        try:
            future = self._client.submit(
                do_chunk,
                self._batch,
                chunk,
                self._device,
                self._run,
                pure=False,
                resources={"GPU": 1} if with_gpu and self._device != "cpu" else None,
            )
        except RuntimeError as error:  # the connection has just been closed
            raise ConnectionError(str(error)) from error
        self._again.pop()
        self._sent[future] = chunk

    def _take_back(self, future: Any) -> None:
        chunk = self._sent[future]
        outcomes: list[Done]
        try:
            outcomes = future.result()
        except _distributed().KilledWorker:
            del self._sent[future]
            if len(chunk) > 1:  # one of them ends every worker that it meets: which one?
                for item in chunk:
                    self._send([item])
                return
            outcomes = [(chunk[0], self._deadly(chunk[0]))]
        else:
            del self._sent[future]
        for done in outcomes:
            self._claims.finish(done)

    def _deadly(self, item: Item) -> Outcome:
        reason = (
            f"{item.path.name} ended every worker that worked on it: is it very large, and has a worker too little "
            "memory? Segment it alone, or with more memory for each worker."
        )
        options = self._batch.options
        return Outcome("failed", reason, options=options.sha256, model=options.model_name)

    def _workers(self) -> dict[str, Any]:
        workers: dict[str, Any] = self._client.scheduler_info(n_workers=-1).get("workers", {})
        return workers


def do_chunk(batch: Batch, chunk: list[Item], device: str, run: str) -> list[Done]:
    """Segment photographs in a worker; what became of each. ``run`` : names this run of the batch."""
    steps = PhotoSteps(batch, _wanted(batch.options, device, run))
    done: list[Done] = []
    run_pipeline(chunk, steps.read, steps.segment, steps.write, done.append, kept=done.append, between=lambda: None)
    return done


@lru_cache(maxsize=2)
def _wanted(options: BatchOptions, device: str, run: str) -> Wanted:
    """Once for a run: a folder with the masks of a cohort is not looked through for each few photographs."""
    return wanted_by(options, _model(options), device)


@lru_cache(maxsize=2)
def _model(options: BatchOptions) -> LoadedModel:
    model = load_model(find_model(options.model))
    if not options.is_for(model):
        raise InputError(
            f"The model {options.model} of this worker is not the one that the batch was planned with. Give all "
            "workers the same models, or plan the batch with the path of a file that all of them see."
        )
    return model


@contextmanager
def _client(address: str, patience_s: float, claims: Claims) -> Iterator[Any]:
    """A connection; tries for so long to make it. Raises ClusterError, Cancelled."""
    distributed = _distributed()
    end = time.monotonic() + patience_s
    with local_cluster(os.cpu_count() or 1) if address == LOCAL else nullcontext(address) as there:
        while True:
            claims.tally.step()
            try:
                client = distributed.Client(there, timeout=_CONNECT_S)
                break
            except (OSError, ValueError, TypeError) as error:
                if time.monotonic() < end and isinstance(error, OSError):
                    time.sleep(_POLL_S)
                    continue
                raise (_gone() if patience_s > _CONNECT_S else _none_at(address)) from error
        try:
            yield client
        finally:
            with suppress(OSError, TimeoutError):  # a scheduler that is gone says no goodbye
                client.close(timeout=_CONNECT_S)


@contextmanager
def local_cluster(workers: int) -> Iterator[Any]:
    """Workers on this machine, each a process with one thread; ends them at the end of the block."""
    with _distributed().LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",  # any port: that of habit may be in use by another cluster
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster


def check_cluster() -> None:
    """Raises ClusterError where the package that talks to clusters is not installed."""
    _distributed()


def _distributed() -> Any:
    """The package. Raises ClusterError where it is not installed."""
    try:
        import distributed
        import distributed.comm
    except ImportError:
        raise ClusterError(
            "--cluster needs the package distributed, which is not installed. Install it: "
            "pip install 'serr-fundus[cluster]'"
        ) from None
    return distributed


def _none_at(address: str) -> ClusterError:
    return ClusterError(
        f"There is no Dask scheduler at {address}. Start one (dask scheduler), give the address that it says as "
        "--cluster tcp://HOST:PORT, or take --cluster local."
    )


def _gone() -> ClusterError:
    return ClusterError(
        "The Dask scheduler is gone. What is done stays done; start the scheduler and its workers, then the same "
        "command again."
    )

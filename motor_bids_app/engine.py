"""Where work runs: in this process, or on dask.distributed from two workers to a cluster."""

import json
import logging
import os
import signal
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from motor_bids_app.errors import InputMissingError, ReadWriteError, TryAgainError, WorkerDiedError
from motor_bids_app.scratch import scratch_folder
from motor_bids_app.settings import Resources

log = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")
CONNECT_SECONDS = 30
LOCAL_WORKER_SECONDS = 60  # without any worker; a cluster may take longer to send some
CLUSTER_WORKER_SECONDS = 600
_LOOK_SECONDS = 0.02  # from one look for results to the next
_LIBRARIES = ("distributed", "tornado", "asyncio")  # what they log is not for users
_LOCAL: Mapping[str, Any] = {
    "distributed.scheduler.allowed-failures": 0,  # see `_each`
    # Nobody is idle too long who computes in C for minutes; the nanny sees a worker's end.
    "distributed.scheduler.worker-ttl": None,
    # A worker over its limit is ended. It is not paused at a lower one: nothing would wake it, as
    # workers keep the memory of freed arrays.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "critical",
}


def map_unordered(
    function: Callable[[Item], Result], items: Sequence[Item], resources: Resources
) -> Generator[tuple[Item, Result | WorkerDiedError], None, None]:
    """Apply `function` to each item and yield (item, result) as each is done.

    One process is the plain loop, so that a debugger sees everything; but with a limit of memory
    there is always a worker, which can be ended and not the run with it. Results do not depend on
    the number of processes, only their order does. The result of an item whose worker died, and
    died again when it was tried alone, is a WorkerDiedError.

    Raises
    ------
    TryAgainError
        The scheduler cannot be reached or was lost, or there are no workers.
    InputMissingError, ReadWriteError
        The file of the scheduler is not there, or none.
    """
    local = resources.engine == "local"
    if local and min(resources.n_procs, len(items)) <= 1 and resources.mem_gb is None:
        for item in items:
            yield item, function(item)
        return
    with _client(resources, len(items)) as client:
        yield from _each(client, function, items, local)


def check_engine(engine: str) -> str:
    """Say where work would run; a scheduler is asked for its workers.

    Raises
    ------
    TryAgainError
        The scheduler cannot be reached.
    InputMissingError, ReadWriteError
        The file of the scheduler is not there, or none.
    """
    if engine == "local":
        return engine
    with _silent(), _remote_client(engine) as client:
        return f"{engine} ({_n_workers(client)} workers)"


def _each(
    client: Any, function: Callable[[Item], Result], items: Sequence[Item], local: bool
) -> Iterator[tuple[Item, Result | WorkerDiedError]]:
    """Yield results; items that were on a worker when it died are tried once more, one by one.

    Who takes down his worker takes down the work of others that was given to it. Alone, he does
    not.
    """
    again: list[Item] = []
    for item, result in _results(client, function, items, local):
        if isinstance(result, WorkerDiedError):
            again.append(item)
        else:
            yield item, result
    for item in again:
        log.warning("a worker process ended before it was done: its work is tried once more")
        yield from _results(client, function, [item], local)


def _results(
    client: Any, function: Callable[[Item], Result], items: Sequence[Item], local: bool
) -> Iterator[tuple[Item, Result | WorkerDiedError]]:
    from distributed import as_completed

    futures = {client.submit(function, item, pure=False): item for item in items}
    done = as_completed(futures)
    while not done.is_empty():
        _wait(client, done, LOCAL_WORKER_SECONDS if local else CLUSTER_WORKER_SECONDS)
        future = next(done)
        yield futures.pop(future), _result(future)
        future.release()


def _wait(client: Any, done: Any, limit: float) -> None:
    """Wait for a result, but not for ever where there is nobody to give one."""
    last = told = looked = time.monotonic()
    while not done.has_ready():
        time.sleep(_LOOK_SECONDS)
        now = time.monotonic()
        if now < looked + 2:
            continue
        looked = now
        if _n_workers(client):
            last = told = now
        elif now > last + limit:
            raise TryAgainError(
                f"No worker process has been there for {limit:.0f} s: they end as soon as they "
                "start, or none was started. Give them more memory (--mem-gb, or fewer --nprocs), "
                "or start workers of the scheduler; then run again to continue."
            )
        elif now > told + 30:
            told = now
            log.warning("waiting for workers: none is there yet")


def _n_workers(client: Any) -> int:
    try:
        return len(client.nthreads())
    except (OSError, ValueError, RuntimeError) as error:
        raise _lost(error) from error


def _result(future: Any) -> Any:
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    try:
        return future.result()
    except KilledWorker:
        return WorkerDiedError(
            "The process that worked on it ended twice before it was done, most often because the "
            "memory did not suffice. Use a machine with more, or fewer processes (--nprocs), and "
            "run again."
        )
    except (CancelledError, FutureCancelledError) as error:
        raise _lost(error) from error


def _lost(error: BaseException) -> TryAgainError:
    return TryAgainError(
        f"The connection to the dask scheduler was lost ({type(error).__name__}). What is done is "
        "kept: start the scheduler again, then run the same command to continue."
    )


def dask_setup(_worker: Any) -> None:
    """Prepare a local worker, as dask calls it when it starts.

    Its libraries say nothing on the user's terminal, where Ctrl-C is for the main process: it ends
    the workers.
    """
    _set_levels(logging.CRITICAL + 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def worker_number() -> int:
    """Number of this worker among the local ones, from 0; a worker that is restarted keeps it."""
    from distributed import get_worker

    try:
        return int(get_worker().name)
    except ValueError:  # no worker, or one that was started by others
        return 0


def _end(cluster: Any) -> None:
    """End workers at once, which have nothing left to do or are not to go on.

    Schedulers give a run that is stopped seconds to end. A machine that is busy may take longer to
    see that they ended than dask waits for; all results are there by then.
    """
    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        if nanny.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        cluster.close()


def _set_levels(level: int) -> dict[str, int]:
    """Set the level of what libraries log, and return what it was."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in _LIBRARIES]
    before = {name: logging.getLogger(name).level for name in {*names, *_LIBRARIES}}
    for name in before:
        logging.getLogger(name).setLevel(level)
    return before


@contextmanager
def _silent() -> Iterator[None]:
    import distributed  # noqa: F401 - sets the levels when it is imported first

    before = _set_levels(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def _client(resources: Resources, n_items: int) -> Iterator[Any]:
    """Connect to a running scheduler, or start local worker processes."""
    with _silent(), ExitStack() as stack:
        if resources.engine == "local":
            yield _local_client(resources, n_items, stack)
        else:
            yield stack.enter_context(_remote_client(resources.engine))


def _local_client(resources: Resources, n_items: int, stack: ExitStack) -> Any:
    import dask
    from distributed import Client, LocalCluster

    n_workers = max(1, min(resources.n_procs, n_items))
    limit = None if resources.mem_gb is None else int(resources.mem_gb * 2**30 / n_workers)
    # Without this, workers write a scratch folder where the user happens to stand.
    folder = stack.enter_context(scratch_folder("workers"))
    stack.enter_context(dask.config.set({**_LOCAL, "temporary-directory": str(folder)}))
    try:
        cluster = LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            memory_limit=limit,
            preload=[__name__],
            dashboard_address="127.0.0.1:0",  # any free port: runs may share a machine
            silence_logs=logging.CRITICAL + 1,
        )
        stack.callback(_end, cluster)
        return stack.enter_context(Client(cluster))
    except (OSError, RuntimeError, TimeoutError) as error:
        raise TryAgainError(
            f"The worker processes could not be started ({error}). Free memory, use fewer "
            "processes (--nprocs), or --nprocs 1 to do without."
        ) from error


def _remote_client(engine: str) -> Any:
    from distributed import Client

    kind, _, place = engine.partition(":")
    where = {"address": _address_in(Path(place)) if kind == "dask-file" else place}
    try:
        return Client(timeout=CONNECT_SECONDS, **where)
    except (OSError, TimeoutError, ValueError) as error:
        raise TryAgainError(
            f"No dask scheduler answers at {place}: {error}. Start one, or correct --engine."
        ) from error


def _address_in(path: Path) -> str:
    """Address of the scheduler that wrote this file; it may be about to write it."""
    end = time.monotonic() + CONNECT_SECONDS
    while not path.exists() and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["address"])
    except FileNotFoundError as error:
        raise InputMissingError(
            f"There is no scheduler file {path}. Start dask scheduler --scheduler-file with this "
            "name, or correct --engine."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadWriteError(
            f"{path} is not the file of a dask scheduler: {error!r}. Correct --engine."
        ) from error

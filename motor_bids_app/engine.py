"""Where work runs: in this process, or on dask.distributed from two workers to a cluster."""

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from motor_bids_app.errors import TryAgainError
from motor_bids_app.settings import Resources

Item = TypeVar("Item")
Result = TypeVar("Result")
CONNECT_SECONDS = 30


def map_unordered(
    function: Callable[[Item], Result], items: Sequence[Item], resources: Resources
) -> Iterator[tuple[Item, Result]]:
    """Apply `function` to each item and yield (item, result) as each is done.

    One process is the plain loop, so that a debugger sees everything. Results do
    not depend on the number of processes, only their order does.

    Raises
    ------
    TryAgainError
        The scheduler named by ``--engine`` cannot be reached.
    """
    if resources.engine == "local" and min(resources.n_procs, len(items)) <= 1:
        for item in items:
            yield item, function(item)
        return
    from distributed import as_completed

    with _client(resources, len(items)) as client:
        futures = {client.submit(function, item, pure=False): item for item in items}
        for future in as_completed(futures):
            yield futures[future], future.result()
            future.release()


@contextmanager
def _client(resources: Resources, n_items: int) -> Iterator[Any]:
    """Connect to a running scheduler, or start local worker processes."""
    import dask
    from distributed import Client, LocalCluster

    kind, _, place = resources.engine.partition(":")
    if kind != "local":
        where = {"scheduler_file": place} if kind == "dask-file" else {"address": place}
        try:
            client = Client(timeout=CONNECT_SECONDS, **where)
        except (OSError, TimeoutError, ValueError) as error:
            raise TryAgainError(
                f"No dask scheduler answers at {place}: {error}. Start one, or correct --engine."
            ) from error
        with client:
            yield client
        return
    with (
        tempfile.TemporaryDirectory(prefix="motor_bids_app-") as scratch,
        # Without this, workers write a scratch folder where the user happens to stand.
        dask.config.set({"temporary-directory": scratch}),
        LocalCluster(
            n_workers=min(resources.n_procs, n_items),
            threads_per_worker=1,
            memory_limit=None,
            dashboard_address="127.0.0.1:0",  # any free port: runs may share a machine
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client

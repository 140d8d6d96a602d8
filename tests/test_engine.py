import json
import multiprocessing.spawn
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from distributed import LocalCluster

from motor_bids_app import engine
from motor_bids_app.engine import map_unordered
from motor_bids_app.errors import InputMissingError, ReadWriteError, TryAgainError, WorkerDiedError
from motor_bids_app.settings import Resources


def square(number):
    return number**2, os.getpid()


def die_at_three(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def take(mib):
    block = bytearray(mib * 2**20)
    time.sleep(2)  # memory is looked at ten times a second
    return len(block)


def stop_the_scheduler(process):
    os.kill(process, signal.SIGKILL)
    time.sleep(600)


def test_one_process_works_in_this_one():
    results = dict(map_unordered(square, [1, 2, 3], Resources(n_procs=1)))

    assert results == {n: (n**2, os.getpid()) for n in (1, 2, 3)}


def test_several_processes_give_the_same_results():
    results = dict(map_unordered(square, [1, 2, 3], Resources(n_procs=2)))

    assert {n: value for n, (value, _) in results.items()} == {1: 1, 2: 4, 3: 9}
    assert os.getpid() not in {process for _, process in results.values()}


def test_who_takes_down_his_worker_is_named_and_the_others_are_done(capfd):
    results = dict(map_unordered(die_at_three, list(range(6)), Resources(n_procs=2)))

    died = results.pop(3)
    assert isinstance(died, WorkerDiedError)
    assert "memory" in str(died)
    assert results == {n: n for n in (0, 1, 2, 4, 5)}
    assert capfd.readouterr().err == ""


def test_workers_that_are_slow_to_end_take_no_results_with_them(monkeypatch):
    close = LocalCluster.close

    def slow(cluster, *args, **kw):
        close(cluster, *args, **kw)
        raise TimeoutError

    monkeypatch.setattr(LocalCluster, "close", slow)

    results = dict(map_unordered(square, [1, 2], Resources(n_procs=2)))

    assert {n: value for n, (value, _) in results.items()} == {1: 1, 2: 4}


def test_memory_is_limited_even_for_one_process():
    results = dict(map_unordered(take, [1, 900], Resources(n_procs=1, mem_gb=0.8)))

    assert results[1] == 2**20
    assert isinstance(results[900], WorkerDiedError)


def test_unreachable_scheduler_is_a_temporary_failure(monkeypatch):
    monkeypatch.setattr("motor_bids_app.engine.CONNECT_SECONDS", 1)
    with pytest.raises(TryAgainError, match="--engine"):
        list(map_unordered(square, [1], Resources(engine="dask:tcp://127.0.0.1:1")))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, InputMissingError),
        ("", ReadWriteError),
        ("{}", ReadWriteError),
        ("[1]", ReadWriteError),
        ('{"address": "tcp://127.0.0.1:1"}', TryAgainError),
    ],
)
def test_a_scheduler_file_that_leads_nowhere_is_named(monkeypatch, tmp_path, content, error):
    monkeypatch.setattr("motor_bids_app.engine.CONNECT_SECONDS", 1)
    path = tmp_path / "scheduler.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(error, match="--engine"):
        list(map_unordered(square, [1], Resources(engine=f"dask-file:{path}")))


def test_workers_that_cannot_start_are_a_temporary_failure(monkeypatch):
    monkeypatch.setattr(engine, "LOCAL_WORKER_SECONDS", 4)
    monkeypatch.setattr(multiprocessing.spawn, "_python_exe", b"/bin/false")

    with pytest.raises(TryAgainError, match="process"):
        list(map_unordered(square, [1, 2], Resources(n_procs=2)))


# Functions of this file are known as tests.test_engine, or as test_engine, to who unpacks them.
SEARCHED = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parent)])


@pytest.fixture
def scheduler(tmp_path):
    """A running scheduler: its process, and the file that it wrote."""
    path = tmp_path / "scheduler.json"
    words = ["--scheduler-file", path, "--port", "0", "--no-dashboard", "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": SEARCHED},
    )
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.05)
    yield process, path
    process.kill()
    process.wait()


def test_a_scheduler_without_workers_is_not_waited_for_without_end(monkeypatch, scheduler):
    monkeypatch.setattr(engine, "CLUSTER_WORKER_SECONDS", 3)

    with pytest.raises(TryAgainError, match="No worker process has been there for 3 s"):
        list(map_unordered(square, [1], Resources(engine=f"dask-file:{scheduler[1]}")))


def test_a_scheduler_that_is_lost_is_a_temporary_failure(scheduler, tmp_path, capfd):
    process, path = scheduler
    address = json.loads(path.read_text())["address"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-dashboard"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": SEARCHED},
    )
    resources = Resources(engine=f"dask:{address}")
    try:
        with pytest.raises(TryAgainError, match="scheduler was lost"):
            list(map_unordered(stop_the_scheduler, [process.pid], resources))
    finally:
        worker.kill()
        worker.wait()
    assert capfd.readouterr().err == ""

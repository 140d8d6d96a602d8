import os

import pytest

from motor_bids_app.engine import map_unordered
from motor_bids_app.errors import TryAgainError
from motor_bids_app.settings import Resources


def square(number):
    return number**2, os.getpid()


def test_one_process_works_in_this_one():
    results = dict(map_unordered(square, [1, 2, 3], Resources(n_procs=1)))

    assert results == {n: (n**2, os.getpid()) for n in (1, 2, 3)}


def test_several_processes_give_the_same_results():
    results = dict(map_unordered(square, [1, 2, 3], Resources(n_procs=2)))

    assert {n: value for n, (value, _) in results.items()} == {1: 1, 2: 4, 3: 9}
    assert os.getpid() not in {process for _, process in results.values()}


def test_unreachable_scheduler_is_a_temporary_failure(monkeypatch):
    monkeypatch.setattr("motor_bids_app.engine.CONNECT_SECONDS", 1)
    with pytest.raises(TryAgainError, match="--engine"):
        list(map_unordered(square, [1], Resources(engine="dask:tcp://127.0.0.1:1")))

"""Fixtures shared by all tests, and what keeps one test from seeing what another left."""

import logging
import os
import random
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

_SEED = "MOTOR_BIDS_TEST_ORDER"  # a number: run modules, and tests in them, in that random order


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Shuffle modules and the tests in each, where the environment asks for it.

    Modules stay together, because their fixtures are dear.
    """
    if _SEED in os.environ:
        order = random.Random(int(os.environ[_SEED]))
        modules: dict[str, list[pytest.Item]] = {}
        for item in items:
            modules.setdefault(item.nodeid.split("::")[0], []).append(item)
        groups = list(modules.values())
        order.shuffle(groups)
        for group in groups:
            order.shuffle(group)
        items[:] = [item for group in groups for item in group]


@pytest.fixture(autouse=True)
def _as_before():
    """Put back what a test changes for the whole process: logging, threads, chance, signals."""
    loggers = [logging.root, logging.getLogger("motor_bids_app")]
    logs = [(log, log.level, log.handlers[:], log.propagate) for log in loggers]
    raising = logging.raiseExceptions
    threads, device = torch.get_num_threads(), torch.get_default_device()
    chance, torch_chance = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    deterministic = torch.are_deterministic_algorithms_enabled()
    environment, folder = dict(os.environ), Path.cwd()
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for log, level, handlers, propagate in logs:
        log.setLevel(level)
        log.handlers[:], log.propagate = handlers, propagate
    logging.raiseExceptions = raising
    logging.captureWarnings(False)
    torch.set_num_threads(threads)
    torch.set_default_device(None if device.type == "cpu" else device)
    np.random.set_state(chance)  # noqa: NPY002
    torch.set_rng_state(torch_chance)
    torch.use_deterministic_algorithms(deterministic)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, handler in signals.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of real data; tests that need it are skipped where it is not."""
    default = Path(__file__).parent.parent / ".." / "shared" / "data"
    folder = Path(os.environ.get("MOTOR_BIDS_TEST_DATA", default)).resolve()
    if not (folder / "README.md").is_file():
        pytest.skip(f"no real data: MOTOR_BIDS_TEST_DATA names no folder with them ({folder})")
    return folder

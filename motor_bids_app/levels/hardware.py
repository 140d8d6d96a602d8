"""Threads of the libraries that compute, and the device of torch."""

import ctypes
import logging
import os

import SimpleITK
import torch
from threadpoolctl import threadpool_limits

from motor_bids_app.errors import UsageError

log = logging.getLogger(__name__)

# Of malloc.h: memory at the end of the heap, and size of one array, that go back to the system.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT, _SHARED = 2**31 - 1, 2**28  # bytes


def set_up_process(n_threads: int) -> None:
    """Let this process compute on so many threads, and keep the memory of freed arrays."""
    limit_threads(n_threads)
    keep_memory()


def limit_threads(count: int) -> None:
    """Let torch, ITK and the linear algebra of numpy use `count` threads from now on."""
    torch.set_num_threads(count)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(count)
    threadpool_limits(count)


def keep_memory() -> None:
    """Let this process keep the memory of freed arrays for the next ones.

    Fetching it from the system anew, page by page, takes a tenth of a participant's time. Does
    nothing where the C library is not that of GNU.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_TRIM_THRESHOLD, _KEPT)
    mallopt(_MMAP_THRESHOLD, _SHARED)


def check_device(wanted: str) -> None:
    """Raise UsageError if a GPU is asked for by name, and PyTorch does not see it here."""
    if not wanted.startswith("cuda"):
        return
    n_seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(wanted.partition(":")[2] or 0) >= n_seen:
        raise UsageError(
            f"--device {wanted} is not there: PyTorch sees {n_seen or 'no'} GPU"
            f"{'' if n_seen == 1 else 's'} here, counted from cuda:0. Use another, or --device cpu."
        )


def choose_device(wanted: str) -> str:
    """Device for torch: "auto" is the GPU where there is one."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for deterministic training
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def fold_devices(device: str) -> tuple[str, ...]:
    """Devices that folds are dealt to: all GPUs, unless one is named by its number."""
    if device == "cuda" and torch.cuda.device_count() > 1:
        return tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))
    return (device,)


def use_device(wanted: str) -> None:
    """Let the image kernels of this process compute on a device from now on.

    "auto" is the CPU here: a GPU is taken only by name, as several processes share it.
    """
    # None is the CPU too, without a detour through Python at every call of torch.
    torch.set_default_device(None if wanted in ("auto", "cpu") else wanted)


def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 numbers itself; others are slower with them."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def usable_precision(wanted: str, device: str) -> str:
    """Return `wanted`, or float32, said in the log, where bfloat16 would only be slower."""
    if wanted == "bfloat16" and device == "cpu" and not has_bfloat16():
        log.warning("this processor has no bfloat16 instructions: training in float32")
        return "float32"
    return wanted

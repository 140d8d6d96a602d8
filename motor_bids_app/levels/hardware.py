"""Threads of the libraries that compute, and the device of torch."""

import logging

import SimpleITK
import torch
from threadpoolctl import threadpool_limits

log = logging.getLogger(__name__)


def limit_threads(count: int) -> None:
    """Let torch, ITK and the linear algebra of numpy use `count` threads from now on."""
    torch.set_num_threads(count)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(count)
    threadpool_limits(count)


def choose_device(wanted: str) -> str:
    """Device for torch: "auto" is the GPU where there is one."""
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def use_device(wanted: str) -> None:
    """Let the image kernels of this process compute on a device from now on.

    "auto" is the CPU here: a GPU is taken only by name, as several processes share it.
    """
    torch.set_default_device("cpu" if wanted == "auto" else wanted)


def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 numbers itself; others are slower with them."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def usable_precision(wanted: str, device: str) -> str:
    """Return `wanted`, or float32, said in the log, where bfloat16 would only be slower."""
    if wanted == "bfloat16" and device == "cpu" and not has_bfloat16():
        log.warning("this processor has no bfloat16 instructions: training in float32")
        return "float32"
    return wanted

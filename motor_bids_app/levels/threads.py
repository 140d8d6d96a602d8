"""The number of threads of the libraries that compute."""

import SimpleITK as sitk
import torch
from threadpoolctl import threadpool_limits


def limit_threads(count: int) -> None:
    """Let torch, ITK and the linear algebra of numpy use `count` threads from now on."""
    torch.set_num_threads(count)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(count)
    threadpool_limits(count)

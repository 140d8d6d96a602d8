"""The number of threads of the libraries that compute."""

import SimpleITK
import torch
from threadpoolctl import threadpool_limits


def limit_threads(count: int) -> None:
    """Let torch, ITK and the linear algebra of numpy use `count` threads from now on."""
    torch.set_num_threads(count)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(count)
    threadpool_limits(count)

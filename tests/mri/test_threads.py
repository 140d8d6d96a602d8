import threading

import torch
from threadpoolctl import threadpool_info

from motor_bids_app.mri.threads import each


def blas_threads():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


def test_parts_come_back_in_order_and_each_has_one_thread_of_linear_algebra():
    before, count = blas_threads(), torch.get_num_threads()
    torch.set_num_threads(2)
    together = threading.Barrier(2, timeout=60)

    def work(part):
        together.wait()  # fails unless two parts run at once
        return part, blas_threads(), torch.get_num_threads()

    try:
        found = each(work, 4)
        after = torch.get_num_threads()
    finally:
        torch.set_num_threads(count)

    assert [part for part, *_ in found] == [0, 1, 2, 3]
    assert all(blas == {1} and own == 1 for _, blas, own in found)
    assert (blas_threads(), after) == (before, 2)

from dataclasses import replace

import pytest
import torch

from motor_bids_app.errors import UsageError
from motor_bids_app.levels.hardware import check_device
from motor_bids_app.levels.run import run_level


@pytest.mark.parametrize(
    ("wanted", "n_seen", "said"),
    [("cuda", 0, "no GPUs"), ("cuda:1", 1, "1 GPU here"), ("cuda:2", 2, "2 GPUs")],
)
def test_a_gpu_that_is_not_there_is_refused(wanted, n_seen, said, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: n_seen > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_seen)
    with pytest.raises(UsageError, match=said):
        check_device(wanted)


@pytest.mark.parametrize("wanted", ["auto", "cpu", "cuda", "cuda:0", "cuda:1"])
def test_devices_that_are_there_are_taken(wanted, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_device(wanted)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("level", ["participant", "group"])
def test_nothing_is_begun_on_a_gpu_that_is_not_there(level, fake_cohort, tmp_path):
    settings = fake_cohort.settings(level)
    settings = replace(
        settings,
        output_dir=tmp_path / "out",
        resources=replace(settings.resources, device="cuda"),
    )

    with pytest.raises(UsageError, match="--device cuda is not there"):
        run_level(settings)

    assert not settings.output_dir.exists()

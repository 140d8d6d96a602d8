import io

import numpy as np
import pytest
from PIL import Image

from motor_bids_app.reports.participant.carpet import carpet_figure

KINDS = ["grey matter"] * 120 + ["white matter"] * 80 + ["fluid"] * 40


def drawn(volumes, moved=()):
    scores = np.random.default_rng(5).normal(0, 1, (240, volumes)).astype(np.float32)
    displacement = np.full(volumes, 0.1)
    displacement[[*moved]] = 2.0
    changes = np.ones(volumes)
    changes[0] = np.nan
    return carpet_figure(scores, KINDS, displacement, changes, limit=0.5)


def test_it_says_what_is_drawn():
    figure = drawn(60, moved=[7, 30])

    assert "grey matter, white matter, fluid" in figure.caption
    assert "Carpet plot of 60 volumes" in figure.alt
    assert "2 volumes moved more than 0.5 mm" in figure.alt


@pytest.mark.parametrize("volumes", [2, 1500])
def test_it_is_small_however_long_the_series(volumes):
    assert len(drawn(volumes).data) <= 200_000


def test_a_change_of_the_whole_brain_is_a_band_through_all_tissues():
    flat = np.zeros((240, 50), dtype=np.float32)
    band = flat.copy()
    band[:, 20] = 5
    still, changes = np.zeros(50), np.ones(50)
    before, after = (
        np.asarray(
            Image.open(io.BytesIO(carpet_figure(one, KINDS, still, changes, limit=1).data)).convert(
                "L"
            )
        ).astype(int)
        for one in (flat, band)
    )

    brighter = after - before > 60
    assert brighter.sum(axis=0).max() > 0.4 * len(brighter)
    assert (brighter.sum(axis=0) > 0).mean() < 0.05

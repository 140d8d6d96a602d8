"""The chart and the table of losses."""

import numpy as np
import pandas as pd

from motor_bids_app.reports.experiment.losses import loss_chart, loss_table

MODELS = {"cbam2025": "Attention networks"}


def course(network, run, epochs, held_out=True):
    epoch = np.arange(1, epochs + 1)
    return pd.DataFrame(
        {
            "model": "cbam2025",
            "network": network,
            "run": run,
            "epoch": epoch,
            "loss": 0.7 / epoch,
            "validation_loss": 0.7 + 0.01 * (epoch - 3) ** 2 if held_out else np.nan,
        }
    )


def test_a_row_tells_how_long_and_how_low():
    table = loss_table(pd.concat([course("fa", 1, 5), course("fa", 2, 7)]), MODELS)
    (row,) = table.rows
    assert row == ("Attention networks", "FA", "2", "6", "0.700", "0.120", "0.700", "3")


def test_without_people_held_out_it_says_so():
    (row,) = loss_table(course("all maps", 1, 5, held_out=False), MODELS).rows
    assert row[1] == "all maps"
    assert row[-2:] == ("none held out", "")


def test_more_networks_than_panels_are_said_to_stand_in_the_table():
    parts = [course(f"map{k}", k, 3) for k in range(8)]
    figure = loss_chart(pd.concat(parts), MODELS)
    assert "2 more networks are only in the table" in figure.caption
    assert len(loss_table(pd.concat(parts), MODELS).rows) == 8

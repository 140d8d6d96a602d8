import numpy as np

from motor_bids_app.reports.participant.motion import motion_chart


def test_volumes_above_the_limit_are_counted():
    displacement = np.array([0, 0.2, 1.5, 0.3, 2.5])

    figure = motion_chart(np.zeros((5, 6)), displacement, limit=1.0)

    assert "2 of 5" in figure.caption
    assert "mean framewise displacement 1.12 mm, largest 2.50 mm" in figure.alt


def test_a_still_head_can_be_drawn():
    figure = motion_chart(np.zeros((1, 6)), np.zeros(1), limit=0.5)

    assert "0 of 1" in figure.caption

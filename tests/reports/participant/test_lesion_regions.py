import pandas as pd

from motor_bids_app.reports.participant.lesion_regions import lesion_regions


def test_the_most_struck_regions_come_first_and_others_are_not_listed():
    overlap = pd.DataFrame(
        {
            "region": ["Insula_R", "Putamen_L", "Vermis_3", "outside"],
            "lesioned_ml": [0.0, 2.5, 0.5, 1.0],
            "share_of_region": [0.0, 0.5, 0.25, float("nan")],
            "share_of_lesion": [0.0, 0.625, 0.125, 0.25],
        }
    )

    table = lesion_regions(overlap)

    assert table.rows == (
        ("Putamen, left", "2.50", "50 %", "62 %"),
        ("in no region", "1.00", "", "25 %"),
        ("Vermis 3", "0.50", "25 %", "12 %"),
    )

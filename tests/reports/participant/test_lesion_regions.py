import pandas as pd

from motor_bids_app.reports.participant.lesion_regions import cut_bundles, lesion_regions


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


def test_bundles_of_which_most_is_cut_come_first_and_those_untouched_not_at_all():
    bundles = pd.DataFrame(
        {
            "bundle": ["fornix", "vermis", "corticospinal_tract", "corticospinal_tract"],
            "side": ["left", None, "left", "right"],
            "hemisphere": ["ipsilesional", None, "ipsilesional", "contralesional"],
            "streamlines": [10.0, 40, 200, 200],
            "cut": [1.0, 20, 150, 0],
            "share": [0.1, 0.5, 0.75, 0],
        }
    )

    assert cut_bundles(bundles).rows == (
        ("corticospinal tract", "left", "ipsilesional", "150 of 200", "75 %"),
        ("vermis", "", "", "20 of 40", "50 %"),
        ("fornix", "left", "ipsilesional", "1 of 10", "10 %"),
    )

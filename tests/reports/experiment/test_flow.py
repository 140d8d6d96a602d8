from motor_bids_app.reports.experiment.flow import flow_chart


def test_everyone_who_was_found_is_in_or_out():
    out = {"no fa map": 3, "no score": 1}
    figure = flow_chart(out, {"patients, poor": 9, "patients, good": 11, "controls": 6})

    assert figure.alt == (
        "People found: 30; left out: 4; 3: no fa map; 1: no score; analysed: 26; "
        "patients, poor: 9; patients, good: 11; controls: 6."
    )
    assert b"Left out: 4" in figure.data


def test_rare_reasons_share_a_line():
    figure = flow_chart({f"reason {k}": 10 - k for k in range(8)}, {"patients": 5})

    assert "5: reason 5; 7: other reasons (excluded.tsv)" in figure.alt


def test_nobody_left_out_is_said():
    assert "left out: 0; analysed: 5" in flow_chart({}, {"patients": 5}).alt

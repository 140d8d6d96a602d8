import json

from motor_bids_app.levels.index import write_index
from motor_bids_app.levels.person_pages import person_pages


def make(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def test_every_page_of_the_folder_is_linked_and_nothing_else(tmp_path):
    make(
        tmp_path / "out",
        "group.html",
        "sub-01.html",
        "sub-02_ses-1.html",
        "sub-evil<b>.html",
        "experiments/a b/report.html",
        "predictions/m/report.html",
        "validations/report.html",
    )
    make(tmp_path / "raw", "dataset_description.json")
    (tmp_path / "raw" / "dataset_description.json").write_text(json.dumps({"Name": "Mine"}))
    write_index(tmp_path / "out", tmp_path / "raw")
    html = (tmp_path / "out" / "index.html").read_text()

    for address in (
        "group.html",
        "sub-01.html",
        "sub-02_ses-1.html",
        "experiments/a%20b/report.html",
        "predictions/m/report.html",
        "validations/report.html",
    ):
        assert f'href="{address}"' in html
    assert "evil" not in html
    assert "Mine" in html


def test_a_person_of_several_sessions_leads_to_the_first(tmp_path):
    make(tmp_path, "sub-01_ses-2.html", "sub-01_ses-1.html", "sub-03.html")
    assert person_pages(tmp_path, "../../") == {
        "sub-01": "../../sub-01_ses-1.html",
        "sub-03": "../../sub-03.html",
    }

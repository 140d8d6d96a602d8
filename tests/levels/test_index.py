import json
import re

import pytest
from filelock import FileLock, Timeout

from motor_bids_app.bids.status import StatusRow, update_status
from motor_bids_app.levels import index
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


def test_a_person_leads_to_all_sessions_in_order(tmp_path):
    make(tmp_path, "sub-01_ses-2.html", "sub-01_ses-1.html", "sub-03.html")
    found = person_pages(tmp_path, "../../")
    assert found == {
        "sub-01": {"ses-1": "../../sub-01_ses-1.html", "ses-2": "../../sub-01_ses-2.html"},
        "sub-03": {"": "../../sub-03.html"},
    }
    assert [*found["sub-01"]] == ["ses-1", "ses-2"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param(
            StatusRow(participant="01", modality="dwi", state="stopped", reason="Run again."),
            "sub-01 stopped: dwi Run again.",
            id="stopped",
        ),
        pytest.param(
            StatusRow(participant="01", modality="dwi", state="outdated", reason="Deleted."),
            "sub-01 to look at Deleted.",
            id="outdated",
        ),
        pytest.param(
            StatusRow(participant="02", modality="anat", state="failed", reason="No memory."),
            "sub-02 failed: anat No memory.",
            id="failed before there was a page",
        ),
    ],
)
def test_nobody_is_called_done_who_is_not(tmp_path, row, said):
    make(tmp_path, "sub-01.html")
    update_status(tmp_path, [StatusRow(participant="01", modality="anat", state="done"), row])
    write_index(tmp_path, tmp_path)
    html = (tmp_path / "index.html").read_text()

    assert said in " ".join(re.sub("<[^>]+>", " ", html).split())
    assert re.findall('href="(sub-[^"]*)"', html) == ["sub-01.html"]


def test_runs_that_share_a_folder_list_and_write_in_turn(tmp_path, monkeypatch):
    def meet_another_run(report):
        with pytest.raises(Timeout):
            FileLock(tmp_path / "logs" / ".lock").acquire(timeout=0)
        return "listed"

    monkeypatch.setattr(index, "render_index", meet_another_run)
    write_index(tmp_path, tmp_path)
    assert (tmp_path / "index.html").read_text() == "listed"

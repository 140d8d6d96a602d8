from motor_bids_app.reports.index import IndexReport, PersonLink, render_index


def test_the_index_leads_to_pages_and_people_and_says_how_they_ended(read_page):
    people = (
        PersonLink("sub-01", "sub-01.html"),
        PersonLink("sub-02 ses-1", "sub-02_ses-1.html", ("dwi",), (), "No bvec."),
    )
    pages = {"predictions": {"a": "predictions/a/report.html"}}
    page = read_page(render_index(IndexReport(dataset="X", pages=pages, people=people)))
    links = [link["href"] for link in page.all("a")]

    assert {"sub-01.html", "sub-02_ses-1.html", "predictions/a/report.html"} <= set(links)
    assert "sub-01 done" in page.text
    assert "sub-02 ses-1 failed: dwi No bvec." in page.text
    assert "With a failed step 1" in page.text


def test_texts_of_the_index_cannot_become_markup():
    evil = "<script>alert(1)</script>"
    pages = {"experiments": {evil: "x"}}
    html = render_index(
        IndexReport(
            dataset=evil, pages=pages, people=(PersonLink(evil, "y", (evil,), (evil,), evil),)
        )
    )
    assert evil not in html

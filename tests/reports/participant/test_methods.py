import re

import pytest

from motor_bids_app.reports.participant.method_steps import STEPS
from motor_bids_app.reports.participant.methods import as_text, participant_methods

WITHOUT_DOI = {"Falconer and Winter 1985"}  # the journal gave none
VERSIONS = {"motor_bids_app": "1.2", "torch": "2.6"}


def write(*steps):
    return participant_methods(steps, space="MNI152NLin2009aSym", versions=VERSIONS)


def test_only_what_was_done_is_written():
    text = " ".join(write("bias", "brain_mask").paragraphs)

    assert "N4" in text
    assert "deepbet" in text
    assert "registered" not in text
    assert "Diffusion" not in text


def test_order_of_steps_is_that_of_the_processing():
    assert write("tensor", "bias", "dwi_motion") == write("bias", "dwi_motion", "tensor")


@pytest.mark.parametrize("step", STEPS)
def test_every_work_cited_is_listed_and_the_other_way_round(step):
    methods = write(step)

    text = " ".join(methods.paragraphs)
    named = r"(?:van )?[A-Z][\w-]+(?: et al\.| and [A-Z]\w+)? \(?(?:19|20)\d{2}\b"
    cited = {match.replace("(", "") for match in re.findall(named, text)}
    assert cited == {reference.key for reference in methods.references}


@pytest.mark.parametrize("step", STEPS)
def test_references_have_a_doi_and_their_year(step):
    for reference in write(step).references:
        if reference.key not in WITHOUT_DOI:
            assert reference.doi is not None
            assert reference.doi.startswith("10.")
        assert reference.key[-4:] in reference.citation


def test_the_space_and_versions_are_named():
    text = " ".join(write("registration").paragraphs)

    assert "MNI152NLin2009aSym" in text
    assert "motor_bids_app 1.2, which uses torch 2.6" in text


def test_an_unknown_step_is_refused():
    with pytest.raises(ValueError, match="surgery"):
        write("surgery")


def test_the_text_alone_ends_with_its_references():
    text = as_text(write("bias"))

    assert "### References" in text
    assert "doi:10.1109/TMI.2010.2046908" in text

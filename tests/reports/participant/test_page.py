from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.features.usual import unusual
from motor_bids_app.reports.participant import checks, tensor_checks
from motor_bids_app.reports.participant.methods import participant_methods
from motor_bids_app.reports.participant.page import (
    SECTIONS,
    ParticipantReport,
    Section,
    render_participant,
    verdict,
)

METHODS = participant_methods({"bias"}, space="MNI", versions={"motor_bids_app": "1"})
REPORT = ParticipantReport(
    participant="sub-01", done=("T1w",), methods=METHODS, versions={"motor_bids_app": "1"}
)


def test_absent_modalities_say_so_in_one_line(read_page):
    text = read_page(render_participant(REPORT)).text

    for _, absent in SECTIONS.values():
        assert absent in text


def test_a_section_shows_its_facts_and_figures(read_page, head, brain):
    figure = checks.brain_mask(head, brain)
    section = Section(figures=(figure,), facts={"Voxel size": "1 mm", "Similarity": 0.87})

    page = read_page(render_participant(replace(REPORT, sections={"anatomy": section})))

    assert "Voxel size 1 mm" in page.text
    assert figure.caption in page.text
    assert [image["alt"] for image in page.all("img")] == [figure.alt]
    assert SECTIONS["anatomy"][1] not in page.text


@pytest.mark.parametrize(
    ("change", "state", "words"),
    [
        ({}, "good", "no measure is unusual"),
        ({"warnings": ("Check it.",)}, "warn", "1 thing"),
        ({"quality_notes": {"snr": "low"}, "warnings": ("x",)}, "warn", "2 things"),
        ({"errors": {"dwi": "33 directions"}}, "bad", "1 step failed. The rest was processed."),
        ({"done": ()}, "bad", "Nothing was processed"),
    ],
)
def test_the_verdict_follows_from_what_happened(change, state, words):
    report = replace(REPORT, **change)

    assert verdict(report)[0] == state
    assert words in verdict(report)[1]


def test_errors_warnings_and_notes_are_listed_at_the_top(read_page):
    report = replace(
        REPORT,
        errors={"dwi": "The bvec has 33 directions."},
        warnings=("The lesion is large.",),
        quality={"motion_max_fd": 2.1},
        quality_notes={"motion_max_fd": "The head moved.", "a": "1.", "b": "2.", "c": "3."},
    )

    text = read_page(render_participant(report)).text

    top = text[: text.index("Anatomy")]
    assert "The bvec has 33 directions." in top
    assert "The lesion is large." in top
    assert top.index("The head moved.") < top.index("3.")


def test_quality_measures_come_with_their_place_among_all_scans_once_it_is_known(read_page):
    report = replace(REPORT, quality={"snr_wm": 12.5})
    placed = replace(report, positions={"snr_wm": "3 of 40"})

    assert "Place among all scans" not in read_page(render_participant(report)).text
    text = read_page(render_participant(placed)).text
    assert text.index("Place among all scans") < text.index("3 of 40")


def test_measures_come_with_unit_and_meaning(read_page):
    report = replace(
        REPORT,
        features={"lesion_volume": 38.25, "lesion_side": "left"},
        usual={"lesion_volume": "20 to 30 ml"},
        dictionary={"lesion_volume": {"Units": "ml", "Description": "Volume of the lesion."}},
    )

    text = read_page(render_participant(report)).text

    assert "lesion volume 38.2 ml 20 to 30 ml Volume of the lesion." in text
    assert "lesion side left" in text


def test_the_lesion_starts_with_side_volume_and_tract_load(read_page):
    report = replace(
        REPORT,
        sections={"lesion": Section(facts={"Drawn on": "T1w"})},
        features={"lesion_side": "left", "lesion_volume_ml": 38.25, "tract_load": 0.31},
        dictionary={"lesion_volume_ml": {"Units": "ml"}, "tract_load": {"Units": "arbitrary"}},
    )

    text = read_page(render_participant(report)).text

    assert "Drawn on T1w Side left Volume, native space 38.2 ml Tract load 0.310" in text


def test_names_from_the_dataset_cannot_become_markup():
    evil = "<script>alert(1)</script>"
    report = replace(
        REPORT,
        warnings=(evil,),
        errors={evil: evil},
        features={evil: evil},
        settings={evil: evil},
        missing=(evil,),
    )

    html = render_participant(report)

    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;") >= 6


def test_a_result_that_no_brain_gives_stands_in_the_headline():
    state, headline = verdict(replace(REPORT, doubts=("White matter has 12 ml.",), warnings=()))

    assert state == "warn"
    assert "White matter has 12 ml." in headline


def test_an_unknown_section_is_refused():
    with pytest.raises(ValueError, match="surgery"):
        replace(REPORT, sections={"surgery": Section()})


def test_the_same_report_gives_the_same_page(head, brain):
    section = Section(figures=(checks.brain_mask(head, brain),))

    pages = [render_participant(replace(REPORT, sections={"anatomy": section})) for _ in range(2)]

    assert pages[0] == pages[1]


@pytest.mark.slow
def test_a_page_of_real_images_is_small(test_data):
    head = nib.load(test_data / "stroke_t2_lesion/T2.nii.gz")
    lesion = nib.load(test_data / "stroke_t2_lesion/lesionT2.nii.gz")
    brain = nib.Nifti1Image((head.get_fdata() > 25).astype(np.uint8), head.affine)
    maps = {
        name: nib.load(test_data / f"miccai3806/n1_p4_dti2_{name.upper()}_reg.nii.gz")
        for name in ("fa", "md", "rd", "ad")
    }
    inside = nib.Nifti1Image((maps["fa"].get_fdata() > 0).astype(np.uint8), maps["fa"].affine)
    dwi = nib.load(test_data / "dwi_trio_20dir/sub-01/dwi/sub-01_dwi.nii.gz").slicer[..., 5]
    whole = nib.Nifti1Image(np.ones(dwi.shape, np.uint8), dwi.affine)
    noisy, flat = dwi, nib.Nifti1Image(np.zeros(dwi.shape, np.float32), dwi.affine)
    sections = {
        "anatomy": Section(
            figures=(
                checks.brain_mask(head, brain, lesion),
                checks.bias_field(head, head, brain),
                checks.registration(maps["fa"], maps["fa"], brain=inside, white_matter=inside),
            )
        ),
        "lesion": Section(figures=(checks.lesion_native(head, lesion, brain),)),
        "tissue": Section(figures=(checks.tissue(head, {"GM": brain}, brain),)),
        "diffusion": Section(
            figures=(tensor_checks.tensor_maps(maps, inside), checks.denoising(noisy, flat, whole))
        ),
    }

    html = render_participant(replace(REPORT, sections=sections))

    assert len(html.encode()) < 2.5e6


def test_much_motion_is_in_the_headline_and_no_longer_green(read_page):
    notes = unusual({"motion_max_fd": 3.4, "gm_ml": 200.0, "wm_ml": 500.0})
    report = replace(REPORT, quality_notes=notes)
    state, headline = verdict(report)

    assert state == "warn"
    assert "displacement during the dwi is 3.4 mm (usual: up to 3 mm)" in headline
    assert "grey matter is 200 ml (usual: 380 to 950 ml)" in headline
    assert "white matter" not in headline


def test_who_it_is_and_the_files_are_on_the_page(read_page):
    report = replace(REPORT, identity={"Age (years)": "64"}, sources=("sub-01/anat/a.nii.gz",))
    text = read_page(render_participant(report)).text

    assert text.index("Age (years) 64") < text.index("All inputs")
    assert "sub-01/anat/a.nii.gz" in text


def test_tissue_volumes_stand_beside_what_they_usually_are(read_page):
    report = replace(
        REPORT,
        sections={"tissue": Section(facts={"Maps": "3"})},
        features={"gm_ml": 512.0},
        dictionary={"gm_ml": {"Units": "ml"}},
        usual={"gm_ml": "380 to 950 ml"},
    )
    assert "Grey matter 512 ml (usual: 380 to 950 ml)" in read_page(render_participant(report)).text

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import Scan
from motor_bids_app.features.columns import dictionary_for
from motor_bids_app.levels.participant.anatomy.images import HeadImages, TakenAnatomy
from motor_bids_app.levels.participant.anatomy.lesion import GivenLesion
from motor_bids_app.levels.participant.anatomy.preprocess import _correct, preprocess_anatomy
from motor_bids_app.levels.participant.anatomy.step import process_anatomy
from motor_bids_app.levels.participant.features import standard_maps
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.tissue import head_white_matter, standard_tissue
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform


def write_flair(folder, grey_is, white_is):
    """FLAIR of the template's brain, with dark fluid."""
    grey, white, brain = (
        np.asarray(load_template(kind, 3).dataobj, dtype=np.float32)
        for kind in ("GM", "WM", "brain")
    )
    fluid = np.clip(1 - grey - white, 0, 1)
    noise = np.random.default_rng(0).normal(0, 0.03, brain.shape)
    values = grey_is * grey + white_is * white + 0.15 * fluid + noise
    values = 700 * brain * np.clip(values, 0.02, None)
    path = folder / "sub-1_FLAIR.nii.gz"
    nib.save(nib.Nifti1Image(values.astype(np.float32), load_template("brain", 3).affine), path)
    return path


@pytest.fixture(scope="module")
def flair(tmp_path_factory):
    return write_flair(tmp_path_factory.mktemp("raw"), 0.9, 0.65)


@pytest.mark.slow
def test_grey_and_white_matter_of_flair_are_not_taken_for_each_other(flair, tmp_path):
    outputs = Outputs(tmp_path, "1", None, datasets={"raw": flair.parent})

    process_anatomy(Scan(participant="1", flair=flair), outputs, ProcessingSettings(sloppy=True))

    inside = np.asarray(load_template("brain", 3).dataobj) > 0
    truth = {name: np.asarray(load_template(name, 3).dataobj)[inside] for name in ("GM", "WM")}
    for name, other in (("GM", "WM"), ("WM", "GM")):
        found = np.asarray(load_image(outputs.tissue(name)).dataobj)[inside]
        own, others = (np.corrcoef(found, truth[kind])[0, 1] for kind in (name, other))
        assert own > 0.5, name
        assert own > others + 0.3, name
    assert "desc-FLAIR" in outputs.tissue("GM").name
    assert not {"gm", "wm"} & set(standard_maps(outputs))  # features and models take those of T1w
    measured = outputs.load_facts().quality
    assert measured["cnr_flair"] > 1
    assert "cnr" not in measured


@pytest.mark.slow
def test_a_flair_that_tells_no_tissue_apart_gives_no_tissue_maps_and_says_so(tmp_path):
    path = write_flair(tmp_path, 0.75, 0.8)
    outputs = Outputs(tmp_path / "out", "1", None, datasets={"raw": tmp_path})

    process_anatomy(Scan(participant="1", flair=path), outputs, ProcessingSettings(sloppy=True))

    facts = outputs.load_facts()
    assert not list(outputs.root.rglob("*probseg*"))
    assert any("could not be told apart on the FLAIR" in note for note in facts.notes)
    assert "tissue" not in facts.methods
    assert not {"cnr", "cnr_flair", "snr_wm"} & set(facts.quality)
    assert outputs.load_figure("tissue") is None
    shown = np.asarray(head_white_matter(outputs).dataobj)  # for figures: the template's
    true = np.asarray(load_template("WM", 3).dataobj)
    assert np.corrcoef(shown.ravel(), true.ravel())[0, 1] > 0.8
    assert set(standard_tissue(outputs)) == {"GM", "WM", "CSF"}
    dictionary_for(facts.quality)  # every measure has a description


def test_a_brain_mask_keeps_a_lesion_at_the_surface_and_says_so():
    kinds = {kind: load_template(kind, 3) for kind in ("T1w", "brain", "GM", "WM")}
    affine, brain = kinds["brain"].affine, np.asarray(kinds["brain"].dataobj) > 0
    places = np.moveaxis(np.indices(brain.shape), 0, -1)
    lesion = (np.linalg.norm(places - [12, 40, 26], axis=-1) < 7) & brain
    cut = brain & ~(lesion & (places[..., 0] < 11))
    fluid = np.clip(1 - np.asarray(kinds["GM"].dataobj) - np.asarray(kinds["WM"].dataobj), 0, 1)
    tissue = {"GM": kinds["GM"], "WM": kinds["WM"], "CSF": nib.Nifti1Image(fluid, affine)}
    masks = [nib.Nifti1Image(mask.astype(np.uint8), affine) for mask in (cut, lesion)]
    head = nib.Nifti1Image(700 * np.asarray(kinds["T1w"].dataobj), affine)
    images = HeadImages(
        contrast="T1w",
        runs={"head": head},
        others={},
        taken=TakenAnatomy(head=True, brain=masks[0], tissue=tissue, transform=Transform()),
        lesion=GivenLesion(masks[1], "lesion.nii.gz", "T1w"),
    )

    found = preprocess_anatomy(images, sloppy=True)

    np.testing.assert_array_equal(np.asarray(found.brain.dataobj) > 0, brain)
    share = 100 * (lesion & ~cut).sum() / lesion.sum()
    said = f"The brain mask had left out {share:.0f} % of the lesion mask, at its surface"
    (note,) = [text for text in found.facts.notes + found.facts.warnings if "lesion mask" in text]
    assert note.startswith(said)  # and no other note says that it is outside


def test_quality_is_measured_on_the_noise_that_denoising_removes():
    grey, white = (np.asarray(load_template(kind, 3).dataobj) for kind in ("GM", "WM"))
    noise = np.random.default_rng(0).normal(0, 20, grey.shape)
    values = np.where(grey + white > 0.1, 300 * grey + 500 * white + noise, 0).astype(np.float32)
    raw = nib.Nifti1Image(values, load_template("GM", 3).affine)

    head, noisy = _correct(raw, sloppy=True)

    pure = white > 0.98
    before, after = (np.asarray(image.dataobj)[pure].std() for image in (noisy, head))
    assert before == pytest.approx(20, rel=0.15)
    assert after < 0.8 * before

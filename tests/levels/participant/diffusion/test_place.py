import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.diffusion import place as diffusion_place
from motor_bids_app.levels.participant.diffusion.read import Head, read_series
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.registration import Registration
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Place a b0 volume that lies in the standard space."""
    template = load_template("T1w", 3)
    mask = np.zeros(template.shape, dtype=np.uint8)
    mask[20:26, 30:36, 30:36] = 1
    series = np.stack([np.asarray(template.dataobj)] * 2, axis=-1)
    for name, values in (("lesion", mask), ("dwi", series)):
        nib.save(nib.Nifti1Image(values, template.affine), tmp_path / f"sub-1_{name}.nii.gz")
    for name, text in (("bval", "0 1000"), ("bvec", "0 1\n0 0\n0 0")):
        (tmp_path / f"sub-1_dwi.{name}").write_text(text)
    known = Registration(Transform(), np.eye(4), 1.0)
    monkeypatch.setattr(diffusion_place, "register_to_template", lambda *_, **__: known)

    def place(image, **scan):
        files = {name: tmp_path / f"sub-1_dwi.{name}" for name in ("bval", "bvec")}
        files["dwi"] = tmp_path / "sub-1_dwi.nii.gz"
        lesion = LesionFile(path=tmp_path / "sub-1_lesion.nii.gz", participant="1", image=image)
        chosen = Scan(participant="1", lesion=lesion, **files, **scan)
        outputs = Outputs(tmp_path / "out", "1", None, datasets={"raw": tmp_path})
        series = read_series(chosen, outputs, ProcessingSettings())
        return diffusion_place.place_alone(template, series, ProcessingSettings())

    return place


def test_a_mask_drawn_on_the_dwi_goes_to_the_standard_space(place):
    found = place("dwi")

    assert "There is no head image" in found.facts.notes[0]
    assert found.facts.quality["lesion_volume_ml"] == pytest.approx(6**3 * 27 / 1000)
    assert found.lesion.get_fdata().sum() == pytest.approx(6**3 * 27 / 8, rel=0.2)


def test_a_mask_drawn_on_another_image_is_left_out_and_a_note_says_so(place, tmp_path):
    found = place("T1w", t1w=tmp_path / "sub-1_T1w.nii.gz")

    assert found.lesion is None
    assert "sub-1_T1w.nii.gz) was not processed" in found.facts.notes[0]
    assert "sub-1_lesion.nii.gz left out" in found.facts.notes[1]


def test_a_mask_on_the_dwi_whose_voxels_run_the_other_way_is_doubted(place, tmp_path):
    path = tmp_path / "sub-1_lesion.nii.gz"
    mask = nib.load(path)
    turn = np.diag([-1.0, 1, 1, 1])
    turn[0, 3] = mask.shape[0] - 1
    reversed_mask = 2 * np.asarray(mask.dataobj)[::-1]
    reversed_mask[:38] //= 2
    nib.save(nib.Nifti1Image(reversed_mask, mask.affine @ turn), path)

    facts = place("dwi").facts

    assert "run another way than those of the dwi" in facts.warnings[0]
    assert any("2 labels" in note for note in facts.notes)


def test_a_series_that_shows_nothing_of_the_head_is_doubted():
    t1w, brain, white = (load_template(kind, 4) for kind in ("T1w", "brain", "WM"))
    head = Head(image=t1w, brain=brain, white_matter=white, from_standard=Transform())
    noise = np.random.default_rng(0).normal(1000, 200, t1w.shape).astype(np.float32)

    placed = [
        diffusion_place.place_by_head(nib.Nifti1Image(values, t1w.affine), head)
        for values in (noise, np.asarray(t1w.dataobj))
    ]

    doubts = [place.facts.warnings for place in placed]
    assert "may lie in the wrong place" in doubts[0][0]
    assert doubts[1] == []

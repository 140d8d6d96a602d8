"""Derivatives of other tools as input: fakes of which every transform is known."""

import json
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.finished import Finished
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant import level as participant
from motor_bids_app.levels.participant.anatomy.finished import read_itk_transform
from motor_bids_app.levels.participant.diffusion.finished.step import take_diffusion
from motor_bids_app.levels.participant.functional.finished import read_tool_space
from motor_bids_app.levels.participant.functional.finished_place import find_transform
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.overview import overview
from motor_bids_app.mri.resampling import invert, resample
from motor_bids_app.settings import Resources, Selection, Settings
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.mni import to_mni_space
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

COARSE = standard_grid(3)
POSE = np.eye(4)  # from the standard space to the native one of the fake fMRIPrep
POSE[:3, :3] = [[np.cos(0.15), -np.sin(0.15), 0], [np.sin(0.15), np.cos(0.15), 0], [0, 0, 1]]
POSE[:3, 3] = [5, -8, 12]
DIFFUSIVITY = 0.7  # um2/ms, as DSI Studio writes it


def moved(kind, pose):
    """A template image as it looks in the space that `pose` leads to."""
    reverse = np.diag([-1.0, 1, 1, 1])
    reverse[0, 3] = COARSE.shape[0] - 1
    grid = Grid(COARSE.shape, pose @ COARSE.affine @ reverse)  # left-handed
    transform = Transform(matrix=np.linalg.inv(pose))
    return resample(load_template(kind, 2), grid, transform)


def save(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)


def write_itk(matrix, path):
    """Save an affine as ITK does: composite, in LPS."""
    flip = np.diag([-1.0, -1, 1, 1])
    lps = flip @ matrix @ flip
    affine = sitk.AffineTransform(3)
    affine.SetMatrix(lps[:3, :3].ravel().tolist())
    affine.SetTranslation(lps[:3, 3].tolist())
    sitk.WriteTransform(sitk.CompositeTransform([affine]), str(path))


def describe(folder, name):
    content = {
        "Name": name,
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": name, "Version": "9.9"}],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset_description.json").write_text(json.dumps(content))


def fake_fmriprep(folder):
    describe(folder, "fMRIPrep")
    home = folder / "sub-1" / "anat"
    save(moved("T1w", POSE), home / "sub-1_desc-preproc_T1w.nii.gz")
    brain = moved("brain", POSE)
    inside = (np.asarray(brain.dataobj) > 0.5).astype(np.uint8)
    save(nib.Nifti1Image(inside, brain.affine), home / "sub-1_desc-brain_mask.nii.gz")
    tissue = {name: np.asarray(moved(name, POSE).dataobj) for name in ("GM", "WM")}
    tissue["CSF"] = inside * np.clip(1 - tissue["GM"] - tissue["WM"], 0, 1)
    for name, values in tissue.items():
        image = nib.Nifti1Image(values.astype(np.float32), brain.affine)
        save(image, home / f"sub-1_label-{name}_probseg.nii.gz")
    write_itk(POSE, home / "sub-1_from-T1w_to-MNI152NLin2009aSym_mode-image_xfm.h5")


def fake_qsirecon(folder):
    """Tensor maps in ACPC space, which here is the standard one, in other units."""
    describe(folder, "QSIRecon")
    home = folder / "derivatives" / "qsirecon-DSIStudio" / "sub-1" / "dwi"
    white = resample(load_template("WM", 2), COARSE)
    brain = np.asarray(resample(load_template("brain", 2), COARSE).dataobj) > 0.5
    values = {"fa": 0.1 + 0.5 * np.asarray(white.dataobj)}
    values |= {name: np.full(COARSE.shape, DIFFUSIVITY) for name in ("md", "rd", "ad")}
    for name, volume in values.items():
        image = nib.Nifti1Image((volume * brain).astype(np.float32), COARSE.affine)
        save(image, home / f"sub-1_space-ACPC_model-tensor_param-{name}_dwimap.nii.gz")


def fake_qsiprep(folder):
    describe(folder, "QSIPrep")
    home = folder / "sub-1" / "anat"
    save(moved("T1w", np.eye(4)), home / "sub-1_space-ACPC_desc-preproc_T1w.nii.gz")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Settings, scan and outputs of a person of whom everything is finished but the lesion."""
    folder = tmp_path_factory.mktemp("finished")
    raw = folder / "raw"
    describe(raw, "raw")
    save(moved("T1w", POSE), raw / "sub-1" / "anat" / "sub-1_T1w.nii.gz")
    makers = {"fmriprep": fake_fmriprep, "qsiprep": fake_qsiprep, "qsirecon": fake_qsirecon}
    for name, make in makers.items():
        make(folder / name)
    settings = Settings(
        bids_dir=raw,
        output_dir=folder / "out",
        level="participant",
        derivatives={name: folder / name for name in makers},
        resources=Resources(n_procs=1),
    )
    (scan,) = index_dataset(raw, Selection(), settings.derivatives)
    rows = participant.process(participant.Job(scan, settings))
    assert [(row.modality, row.state, row.reason) for row in rows] == [
        (name, "done", "") for name in ("anat", "dwi", "features", "report")
    ]
    return settings, scan, Outputs(settings.output_dir, "1", None)


def test_what_is_finished_is_not_computed(finished):
    facts = finished[2].load_facts()
    assert set(facts.methods) == {"reorient", "finished_coregistration", "regions"}
    assert facts.taken == {
        "head": "fmriprep",
        "brain": "fmriprep",
        "tissue": "fmriprep",
        "transform": "fmriprep",
        "maps": "qsirecon-DSIStudio",
    }


def test_the_transform_of_the_tool_brings_the_head_to_the_template(finished):
    assert finished[2].load_facts().quality["template_correlation"] > 0.94  # interpolated twice


def test_maps_of_another_space_of_the_same_head_are_placed_by_its_image(finished):
    placed = np.asarray(
        finished[2].load("dwimap", "dwi", model="tensor", param="fa", standard=True).dataobj
    )
    white = np.asarray(load_template("WM", 2).dataobj)
    inside = np.asarray(load_template("brain", 2).dataobj) > 0
    assert np.corrcoef(placed[inside], white[inside])[0, 1] > 0.95


def test_diffusivities_are_saved_in_the_unit_of_bids(finished):
    placed = finished[2].load("dwimap", "dwi", model="tensor", param="md", standard=True)
    assert np.max(np.asarray(placed.dataobj)) == pytest.approx(DIFFUSIVITY * 1e-3, rel=1e-3)


def test_sources_name_the_derivative(finished):
    settings, _, outputs = finished
    named = Outputs(settings.output_dir, "1", None, datasets=settings.derivatives)
    for path, source in (
        (
            outputs.path("probseg", "anat", label="GM"),
            "bids:fmriprep:sub-1/anat/sub-1_label-GM_probseg.nii.gz",
        ),
        (
            outputs.path("dwimap", "dwi", model="tensor", param="fa"),
            named.uri(
                settings.derivatives["qsirecon"] / "derivatives/qsirecon-DSIStudio/sub-1/dwi"
                "/sub-1_space-ACPC_model-tensor_param-fa_dwimap.nii.gz"
            ),
        ),
    ):
        sidecar = path.with_name(path.name.replace(".nii.gz", ".json"))
        assert read_json(sidecar)["Sources"] == [source]


def test_report_and_plan_say_what_came_from_where(finished):
    settings, scan, _ = finished
    page = (settings.output_dir / "sub-1.html").read_text()
    assert "taken from fmriprep (fMRIPrep 9.9): bias-corrected head, brain mask" in page
    assert "from qsirecon-DSIStudio: tensor maps" in overview([scan], Selection())


def test_a_finished_series_is_fitted_without_denoising_and_motion(finished, tmp_path):
    settings, _, outputs = finished
    shutil.copytree(settings.output_dir, tmp_path / "out")
    home = tmp_path / "qsiprep" / "sub-1" / "dwi"
    brain = np.asarray(resample(load_template("brain", 2), COARSE).dataobj)
    bvals = [0, *[1000] * 12]
    signal = 100 * brain[..., None] * np.exp(-np.array(bvals) * DIFFUSIVITY * 1e-3)
    signal *= np.random.default_rng(1).normal(1, 0.002, signal.shape)  # no scan repeats another
    stem = "sub-1_space-ACPC_desc-preproc_dwi"
    save(nib.Nifti1Image(signal.astype(np.float32), COARSE.affine), home / f"{stem}.nii.gz")
    directions = np.random.default_rng(0).normal(size=(3, 13))
    directions /= np.linalg.norm(directions, axis=0)
    (home / f"{stem}.bval").write_text(" ".join(map(str, bvals)))
    (home / f"{stem}.bvec").write_text("\n".join(" ".join(map(str, row)) for row in directions))
    fake_qsiprep(tmp_path / "qsiprep")
    derivatives = {"fmriprep": settings.derivatives["fmriprep"], "qsiprep": tmp_path / "qsiprep"}
    (scan,) = index_dataset(settings.bids_dir, Selection(), derivatives)

    take_diffusion(scan, replace(outputs, root=tmp_path / "out"))

    fitted = Outputs(tmp_path / "out", "1", None)
    assert fitted.load_facts().taken["dwi"] == "qsiprep"
    values = np.asarray(
        fitted.load("dwimap", "dwi", model="tensor", param="md", standard=True).dataobj
    )
    deep = np.asarray(load_template("WM", 2).dataobj) > 0.9
    assert np.median(values[deep]) == pytest.approx(DIFFUSIVITY * 1e-3, rel=0.01)


def test_a_second_run_keeps_all(finished):
    settings, scan, _ = finished
    rows = participant.process(participant.Job(scan, settings))
    assert {row.state for row in rows} == {"kept"}


def test_itk_transforms_are_read_as_itk_applies_them(tmp_path):
    path = tmp_path / "xfm.h5"
    write_itk(POSE, path)
    points = np.array([[10.0, 20, 30], [-40, -60, 50]])
    lps = np.array([-1.0, -1, 1])
    itk = sitk.ReadTransform(str(path))
    expected = [lps * itk.TransformPoint((lps * point).tolist()) for point in points]
    np.testing.assert_allclose(read_itk_transform(path)(points), expected, atol=1e-3)


@pytest.mark.parametrize(("shape", "words"), [((5, 5, 5, 3), "three axes"), ((5, 5, 6), "shape")])
def test_maps_that_are_no_maps_of_one_grid_are_refused(tmp_path, shape, words):
    paths = {"fa": tmp_path / "fa.nii", "md": tmp_path / "md.nii"}
    for path, size in zip(paths.values(), ((5, 5, 5), shape), strict=True):
        save(nib.Nifti1Image(np.full(size, 0.5, dtype=np.float32), np.eye(4)), path)
    finished = Finished(maps=paths, maps_standard=True, datasets={"maps": "qsirecon"})

    with pytest.raises(DataError, match=words):
        take_diffusion(Scan(participant="1", finished=finished), Outputs(tmp_path, "1", None))


def test_a_mask_that_finished_standard_maps_cannot_place_is_in_the_headline(tmp_path):
    path = tmp_path / "fa.nii"
    save(moved("WM", np.eye(4)), path)
    finished = Finished(maps={"fa": path}, maps_standard=True, datasets={"maps": "qsirecon"})
    lesion = LesionFile(path=tmp_path / "sub-1_label-L_mask.nii", participant="1", image="dwi")
    outputs = Outputs(tmp_path / "out", "1", None)

    take_diffusion(Scan(participant="1", finished=finished, lesion=lesion), outputs)

    (doubt,) = outputs.load_facts().warnings
    assert "sub-1_label-L_mask.nii was left out" in doubt


@pytest.mark.parametrize("space", ["MNI152NLin6Asym", "MNI152NLin2009cAsym"])
def test_maps_of_another_mni_space_are_moved_and_that_is_said(tmp_path, space):
    """A map that is our template's white matter, as it lies in that space."""
    path, there = tmp_path / "fa.nii", standard_grid(2)
    away = invert(to_mni_space(space), there)
    save(resample(load_template("WM", 2), there, away), path)
    finished = Finished(
        maps={"fa": path}, maps_standard=True, maps_space=space, datasets={"maps": "qsirecon"}
    )
    outputs = Outputs(tmp_path / "out", "1", None)

    take_diffusion(Scan(participant="1", finished=finished), outputs)

    saved = outputs.load("dwimap", "dwi", model="tensor", param="fa", standard=True)
    brain = np.asarray(load_template("brain", 2).dataobj) > 0
    ours = np.asarray(load_template("WM", 2).dataobj)[brain]

    def alike(image):
        return np.corrcoef(np.asarray(image.dataobj)[brain], ours)[0, 1]

    assert alike(saved) > 0.97
    assert alike(saved) > alike(nib.load(path)) + 0.02
    (note,) = outputs.load_facts().notes
    assert note.startswith(f"The maps of qsirecon are in {space}, and were brought to")


def test_bold_of_another_mni_space_without_a_head_in_it_is_placed_by_the_templates(tmp_path):
    bold = BoldFile(path=tmp_path / "bold.nii", space="MNI152NLin6ASym")  # as BIDS spells it
    place = read_tool_space(Scan(participant="1", bold=bold))

    found = find_transform(place, None, sloppy=False)

    points = np.array([[-38.0, -22, 56], [30, 20, 10]])
    np.testing.assert_array_equal(found(points), to_mni_space("MNI152NLin6Asym")(points))
    assert np.linalg.norm(found(points) - points, axis=1).min() > 0.5

"""Diffusion series of all kinds, of one simulated person without a head image."""

import itertools
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.dwi import DwiFile
from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.reverse_phase import ReversePhase
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.diffusion.step import preprocess_diffusion
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.levels.simulate.level import run as simulate
from motor_bids_app.mri.diffusion.gradients import GradientTable, parse_gradients
from motor_bids_app.mri.distortion.susceptibility import unwarp
from motor_bids_app.settings import ProcessingSettings, Selection

SLOPPY = ProcessingSettings(sloppy=True)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bids")
    simulate(
        SimulationSettings(
            output_dir=folder / "raw",
            n_participants=1,
            n_controls=0,
            voxel_size=4.0,
            n_directions=12,
            seed=2,
            n_procs=1,
            modalities=("dwi",),
        )
    )
    return index_dataset(folder / "raw", Selection())[0]


@pytest.fixture
def process(scan, tmp_path):
    """Change the series and its table, then process it; return the outputs."""

    def process(change, settings=SLOPPY, reverse=None):
        image = nib.load(scan.dwi)
        table = parse_gradients(scan.bval.read_text(), scan.bvec.read_text())
        data, table = change(np.asarray(image.dataobj), table)
        paths = [tmp_path / f"sub-001_dwi.{end}" for end in ("nii.gz", "bval", "bvec")]
        nib.save(nib.Nifti1Image(data, image.affine), paths[0])
        for path, text in zip(paths[1:], table.to_text(), strict=True):
            path.write_text(text)
        outputs = Outputs(tmp_path / "out", "001", None)
        changed = replace(scan, dwi=paths[0], bval=paths[1], bvec=paths[2], reverse_phase=reverse)
        preprocess_diffusion(changed, outputs, settings)
        return outputs

    return process


def pick(*volumes):
    """Keep some volumes."""

    def change(data, table):
        kept = np.isin(np.arange(len(table)), volumes)
        return data[..., kept], table.select(kept)

    return change


def maps(outputs):
    return {path.name.split("_")[-2] for path in outputs.root.rglob("*_dwimap.nii.gz")}


def three_axes(data, table):
    """A b0, and the three volumes whose directions are nearest to at right angles."""

    def overlap(chosen):
        vectors = table.bvecs[list(chosen)]
        return np.abs(vectors @ vectors.T - np.eye(3)).max()

    weighted = np.flatnonzero(~table.is_b0)
    chosen = [0, *min(itertools.combinations(weighted, 3), key=overlap)]
    return pick(*chosen)(data, table)


def split(scan, folder):
    """Write the series in two runs of one protocol; return the scan with both."""
    image = nib.load(scan.dwi)
    table = parse_gradients(scan.bval.read_text(), scan.bvec.read_text())
    weighted = np.flatnonzero(~table.is_b0)
    runs = []
    for number in (1, 2):
        kept = table.is_b0 | np.isin(np.arange(len(table)), weighted[number - 1 :: 2])
        files = [folder / f"sub-001_run-{number}_dwi.{end}" for end in ("nii.gz", "bval", "bvec")]
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[..., kept], image.affine), files[0])
        for path, text in zip(files[1:], table.select(kept).to_text(), strict=True):
            path.write_text(text)
        runs.append(DwiFile(*files, scan.dwi_sidecars))
    first, second = runs
    return replace(scan, dwi=first.path, bval=first.bval, bvec=first.bvec, further_dwi=(second,))


def test_runs_that_were_joined_are_all_named_as_sources(scan, tmp_path):
    outputs = Outputs(tmp_path / "out", "001", None)

    preprocess_diffusion(split(scan, tmp_path), outputs, SLOPPY)

    sidecars = [read_json(path) for path in (outputs.root / "sub-001" / "dwi").glob("*.json")]
    sources = [" ".join(content["Sources"]) for content in sidecars if "Sources" in content]
    assert len(sources) > 5
    assert all("run-1_dwi.nii.gz" in text and "run-2_dwi.nii.gz" in text for text in sources)
    series = read_json(outputs.path("dwi", "dwi", desc="preproc", extension=".json"))
    assert sum(name.endswith((".bval", ".bvec")) for name in series["Sources"]) == 4
    assert "dwi_runs" in outputs.load_facts(["dwi"]).methods


@pytest.mark.slow
def test_three_directions_give_mean_diffusivity_and_say_why(process):
    outputs = process(three_axes, replace(SLOPPY, gibbs=True))

    assert "dwi_gibbs" in outputs.load_facts().methods
    assert maps(outputs) == {"param-md", "param-s0"}
    facts = outputs.load_facts()
    assert "trace" in facts.methods
    assert "tensor" not in facts.methods
    assert any("No tensor was fitted" in note for note in facts.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (pick(1, 2, 3, 4, 5, 6, 7), "No volume is without diffusion weighting"),
        (pick(0, 10), "nothing here measures diffusion"),
        (pick(0), "nothing here measures diffusion"),
        (lambda data, table: (data[..., 0], table.select(np.arange(len(table)) == 0)), "4-D|axes"),
    ],
    ids=["without b0", "b0 only", "one volume", "three axes"],
)
def test_what_measures_no_diffusion_is_explained(process, change, words):
    with pytest.raises(DataError, match=words):
        process(change)


def with_faults(data, table):
    """Lose slices of a volume, and reverse an axis of the table."""
    broken = data.copy()
    broken[:, :, 10:34:2, 5] //= 4
    return broken, GradientTable(table.bvals, table.bvecs * [1, -1, 1])


@pytest.mark.slow
def test_faults_are_listed_and_corrected_on_request(process, scan):
    outputs = process(with_faults, replace(SLOPPY, correct_gradients=True))

    table = read_table(outputs.path("timeseries", "dwi", desc="confounds", extension=".tsv"))
    assert np.flatnonzero(table["outlier_volume"].astype(float)).tolist() == [5]
    facts = outputs.load_facts()
    assert any("y reversed" in note for note in facts.notes)
    bvec = outputs.path("dwi", "dwi", desc="preproc", extension=".bvec")
    found = parse_gradients(bvec.with_suffix(".bval").read_text(), bvec.read_text())
    given = parse_gradients(scan.bval.read_text(), scan.bvec.read_text())
    agreement = np.abs((found.bvecs * given.bvecs).sum(axis=1))[given.has_direction]
    assert agreement.min() > np.cos(np.deg2rad(5))  # but for the motion of the head
    assert maps(outputs) >= {"param-fa", "param-s0", "param-rmse", "param-decfa", "desc-noise"}
    removed = outputs.load("dwimap", "dwi", desc="residual").get_fdata()
    noise = outputs.load("dwimap", "dwi", desc="noise").get_fdata()
    inside = outputs.load("mask", "dwi", desc="brain").get_fdata() > 0
    assert np.median(removed[inside] / noise[inside]) == pytest.approx(1, abs=0.4)
    sidecar = outputs.path("dwimap", "dwi", model="tensor", param="decfa", extension=".json")
    assert "red, green, blue" in read_json(sidecar)["Description"]


@pytest.mark.slow
def test_a_wrong_table_that_is_not_to_be_corrected_is_in_the_headline(process):
    outputs = process(lambda data, table: (data, with_faults(data, table)[1]))

    assert any("table seems to be wrong" in text for text in outputs.load_facts().warnings)


@pytest.fixture
def reverse(scan, tmp_path):
    """Bend the series by up to 2 voxels, and write its first volume bent the other way."""
    image = nib.load(scan.dwi)
    data = np.asarray(image.dataobj, dtype=np.float32)
    places = np.moveaxis(np.indices(data.shape[:3]), 0, -1) - [24, 45, 20]
    bend = (2 * np.exp(-np.square(places).sum(axis=-1) / (2 * 6**2))).astype(np.float32)
    path = tmp_path / "sub-001_dir-PA_epi.nii.gz"
    nib.save(nib.Nifti1Image(unwarp(data[..., 0], bend, 1), image.affine), path)
    return ReversePhase(path=path), lambda series, table: (unwarp(series, -bend, 1), table)


def test_an_image_with_opposite_phase_encoding_corrects_the_series(process, reverse):
    image, bent = reverse

    outputs = process(bent, reverse=image)

    facts = outputs.load_facts()
    assert "susceptibility_pair" in facts.methods
    assert facts.quality["dwi_distortion"] > 0.3
    assert outputs.load_figure("susceptibility") is not None
    field = outputs.load("dwimap", "dwi", desc="susceptibility").get_fdata()
    assert field[24, 45, 20] > 4  # mm


def test_distortion_can_be_left(process, reverse):
    image, bent = reverse

    outputs = process(bent, replace(SLOPPY, susceptibility="off"), reverse=image)

    assert "susceptibility_left" in outputs.load_facts().methods
    assert outputs.load_figure("susceptibility") is None

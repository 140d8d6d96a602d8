"""Bold of a head that is the template itself, so that its anatomy needs no processing."""

import json
import re
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.field_map import FieldMap
from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.finished import Finished
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.features.columns import dictionary_for
from motor_bids_app.features.seeds import LEFT_M1, sphere
from motor_bids_app.levels.participant.functional import placement
from motor_bids_app.levels.participant.functional.clean import Tissues, clean_series
from motor_bids_app.levels.participant.functional.files import requested_seed
from motor_bids_app.levels.participant.functional.finished import read_finished
from motor_bids_app.levels.participant.functional.inputs import read_inputs, wanted_seed
from motor_bids_app.levels.participant.functional.read import read_series
from motor_bids_app.levels.participant.functional.step import preprocess_bold
from motor_bids_app.levels.participant.outputs import Facts, Outputs
from motor_bids_app.mri.distortion.susceptibility import unwarp
from motor_bids_app.mri.functional.motion import SeriesMotion
from motor_bids_app.mri.functional.placing import PlacedSeries
from motor_bids_app.mri.rigid import Coregistration
from motor_bids_app.settings import BoldSettings, ProcessingSettings
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template

TR, N_VOLUMES = 4.0, 64
FINE = standard_grid(2)
SERIES = Grid((31, 37, 31), FINE.affine @ np.diag([3, 3, 3, 1]))  # 6 mm


def save(path, values, grid, dtype=np.float32):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(np.asarray(values, dtype=dtype), grid.affine)
    if image.ndim == 4:
        image.header.set_zooms((*image.header.get_zooms()[:3], TR))
        image.header.set_xyzt_units("mm", "sec")
    nib.save(image, path)


def template(kind):
    return np.asarray(load_template(kind, 2).dataobj)


@pytest.fixture
def outputs(tmp_path):
    """Finished anatomy: the template's own."""
    outputs = Outputs(tmp_path / "out", "01", None)
    grey, white, brain = template("GM"), template("WM"), template("brain")
    maps = {"GM": grey, "WM": white, "CSF": np.clip(1 - grey - white, 0, 1) * brain}
    for standard in (False, True):
        for name, values in maps.items():
            save(outputs.path("probseg", "anat", label=name, standard=standard), values, FINE)
    save(outputs.path("T1w", "anat", desc="preproc"), 800 * template("T1w"), FINE)
    save(outputs.path("mask", "anat", desc="brain"), brain, FINE, np.uint8)
    path = outputs.path("xfm", "anat", transform=("T1w", outputs.space))
    save(path, np.zeros((*FINE.shape, 1, 3)), FINE)
    return outputs


def blurred(kind):
    return ndimage.gaussian_filter(template(kind).astype(np.float32), 1.2)[::3, ::3, ::3]


@pytest.fixture(scope="module")
def series():
    """Volumes in which left and right M1 go together; slices are measured at one time."""
    rng = np.random.default_rng(0)
    grey, white, brain = blurred("GM"), blurred("WM"), blurred("brain")
    fluid = np.clip(brain - grey - white, 0, 1)
    still = 1100 * grey + 900 * white + 1500 * fluid
    waves = ndimage.gaussian_filter1d(rng.normal(size=(3, N_VOLUMES)), 1.2, axis=1)
    shared, left, right = waves / waves.std(axis=1, keepdims=True)
    change = 0.004 * rng.normal(size=(*still.shape, N_VOLUMES))
    for side, own in ((-1, left), (1, right)):
        place = (side * -LEFT_M1[0], *LEFT_M1[1:])
        node = sphere(SERIES, place, 9)[..., None]
        change = change + 0.02 * node * (0.9 * shared + 0.4 * own)
    return (still[..., None] * (1 + change)).astype(np.float32)


@pytest.fixture
def scan(tmp_path, series):
    path = tmp_path / "raw" / "sub-01_task-rest_bold.nii.gz"
    save(path, series, SERIES)
    sidecar = path.parent / "sub-01_task-rest_bold.json"
    sidecar.write_text(json.dumps({"RepetitionTime": TR, "SliceTiming": [0.0] * 31}))
    return Scan(participant="01", bold=BoldFile(path=path, task="rest", sidecars=(sidecar,)))


def settings(**changes):
    bold = BoldSettings(**{"dummy_scans": 0, "smoothing": 0.0, **changes})
    return ProcessingSettings(sloppy=True, bold=bold)


def boldmap(outputs, **entities):
    return outputs.load(
        "boldmap", "func", task="rest", space=outputs.space, res="3", seed="M1", **entities
    )


def draw_lesion(outputs, centre, radius):
    path = outputs.path("mask", "anat", label="L", standard=True)
    save(path, sphere(FINE, centre, radius), FINE, np.uint8)


@pytest.mark.slow
def test_a_series_becomes_maps_of_coupled_m1(scan, outputs):
    preprocess_bold(scan, outputs, settings())

    facts = outputs.load_facts()
    assert [note[:24] for note in facts.notes] == ["There is no lesion mask,"]
    assert facts.quality["m1_coupling"] > 0.8
    assert facts.quality["bold_coregistration_similarity"] > 0.4
    assert not facts.warnings
    assert facts.quality["bold_max_translation"] < 0.3
    dictionary_for(facts.quality)  # every measure has a description
    mean = np.asarray(boldmap(outputs, stat="mean", desc="dfc").dataobj)
    grid = standard_grid(3)
    right = sphere(grid, (-LEFT_M1[0], *LEFT_M1[1:]), 6)
    elsewhere = sphere(grid, (0, -80, 10), 9)
    assert mean[right].mean() > 0.8
    assert np.abs(mean[elsewhere].mean()) < 0.2
    path = next(outputs.root.rglob("*_stat-std_desc-dfc_boldmap.json"))
    sidecar = read_json(path)
    assert (sidecar["SeedHemisphere"], sidecar["WindowCount"]) == ("left", N_VOLUMES - 11 + 1)
    assert sidecar["Sources"]
    table = read_table(
        outputs.path("timeseries", "func", task="rest", desc="confounds", extension=".tsv")
    )
    assert len(table) == N_VOLUMES
    assert {
        "global_signal",
        "w_comp_cor_00",
        "c_comp_cor_04",
        "cosine00",
        "trans_x",
        "rot_z_derivative1_power2",
        "csf",
        "white_matter",
        "framewise_displacement",
        "dvars",
        "std_dvars",
    } <= {*table}
    names = {path.name.split("_")[-1].split(".")[0] for path in outputs.written}
    assert {"bold-coupling", "bold-connectivity", "bold-coregistration"} <= names


@pytest.fixture
def bent(scan, series, tmp_path):
    """Return a function that bends the series by a field, gives its map, and saves it."""

    def bent(direction):
        places = np.moveaxis(np.indices(SERIES.shape), 0, -1) - [15, 29, 10]
        bend = 1.5 * np.exp(-np.square(places).sum(axis=-1) / (2 * 5**2)).astype(np.float32)
        save(scan.bold.path, unwarp(series, -bend, 1), SERIES)
        own = {"RepetitionTime": TR, "PhaseEncodingDirection": direction, "TotalReadoutTime": 0.03}
        scan.bold.sidecars[0].write_text(json.dumps(own))
        paths = {name: tmp_path / "raw" / f"sub-01_{name}.nii.gz" for name in ("map", "magnitude")}
        save(paths["map"], bend / 0.03, SERIES)
        save(paths["magnitude"], series[..., 0], SERIES)
        sidecar = tmp_path / "raw" / "sub-01_map.json"
        sidecar.write_text(json.dumps({"Units": "Hz"}))
        field_map = FieldMap(
            kind="fieldmap",
            images=(paths["map"],),
            sidecars=((sidecar,),),
            magnitude=paths["magnitude"],
        )
        return replace(scan, bold=replace(scan.bold, field_map=field_map)), bend

    return bent


@pytest.mark.slow
def test_a_field_map_straightens_the_bold(scan, outputs, bent, series):
    other, bend = bent("j")

    preprocess_bold(other, outputs, settings())

    facts = outputs.load_facts()
    assert "bold_susceptibility_map" in facts.methods
    measured = facts.quality
    assert measured["bold_coregistration_similarity"] > measured["bold_similarity_uncorrected"]
    assert outputs.load_figure("bold-susceptibility") is not None
    native = {"task": "rest", "datatype": "func"}
    found = outputs.load("boldmap", desc="susceptibility", **native).get_fdata()
    straight = outputs.load("boldref", **native)
    inside = outputs.load("mask", desc="brain", **native).get_fdata() > 0
    strong = inside & (bend > 0.5)
    assert np.abs(found - 6 * bend)[strong].mean() < 0.25 * 6 * bend[strong].mean()
    assert np.corrcoef(straight.get_fdata()[strong], series[strong].mean(axis=1))[0, 1] > 0.9
    dice = (
        2
        * (inside & (blurred("brain") > 0.5)).sum()
        / (inside.sum() + (blurred("brain") > 0.5).sum())
    )
    assert dice > 0.93


@pytest.mark.slow
def test_a_correction_the_wrong_way_is_not_kept_and_said(scan, outputs, bent):
    other, _ = bent("j-")

    preprocess_bold(other, outputs, settings())

    facts = outputs.load_facts()
    assert "bold_susceptibility_refused" in facts.methods
    assert any("Check the PhaseEncodingDirection" in note for note in facts.notes)
    assert outputs.load_figure("bold-susceptibility") is None
    assert "bold_distortion" not in facts.quality


@pytest.mark.slow
def test_distortion_of_the_bold_can_be_left(scan, outputs, bent):
    other, _ = bent("j")

    preprocess_bold(other, outputs, replace(settings(), susceptibility="off"))

    assert "bold_susceptibility_left" in outputs.load_facts().methods


@pytest.mark.slow
def test_bold_that_shows_nothing_of_the_head_is_doubted(scan, outputs, series):
    rng = np.random.default_rng(1)
    noise = rng.normal(1000, 200, series.shape[:3])[..., None]
    save(scan.bold.path, noise + rng.normal(0, 5, series.shape), SERIES)

    preprocess_bold(scan, outputs, settings())

    facts = outputs.load_facts()
    assert facts.quality["bold_coregistration_similarity"] < 0.4
    assert any("may lie in the wrong place" in doubt for doubt in facts.warnings)


@pytest.mark.slow
def test_the_seed_is_on_the_side_of_the_lesion_and_off_the_lesion(scan, outputs):
    draw_lesion(outputs, (38, -22, 56), 8)

    preprocess_bold(scan, outputs, settings())

    facts = outputs.load_facts()
    assert facts.quality["m1_seed_moved"] > 5
    assert any("right M1 was damaged" in note for note in facts.notes)
    values = np.asarray(boldmap(outputs, stat="fisherz", desc="fc").dataobj)
    assert (values[sphere(standard_grid(3), (38, -22, 56), 5)] == 0).all()


@pytest.mark.slow
def test_bold_that_does_not_cover_m1_has_no_connectivity_and_says_so(scan, outputs, series):
    low = Grid((31, 37, 17), SERIES.affine)  # up to 27 mm
    save(scan.bold.path, series[:, :, :17], low)
    scan.bold.sidecars[0].write_text(json.dumps({"RepetitionTime": TR}))

    preprocess_bold(scan, outputs, settings())

    facts = outputs.load_facts()
    assert "M1 of the left hemisphere has" in "; ".join(facts.warnings)
    assert not list(outputs.root.rglob("*boldmap*"))
    assert list(outputs.root.rglob("*desc-preproc_bold.nii.gz"))


def test_the_head_serves_the_bold_only_where_it_was_asked(scan, outputs):
    save(outputs.path("mask", "anat", label="L"), sphere(FINE, (30, 0, 20), 9), FINE, np.uint8)
    asked = {name: replace(settings(), susceptibility=name) for name in ("auto", "head")}

    inputs = {name: read_inputs(scan, outputs, own) for name, own in asked.items()}

    assert [one.by_head for one in inputs.values()] == [False, True]
    assert np.asarray(inputs["head"].head_lesion.dataobj).any()
    digests = {own.of_step("bold").digest for own in asked.values()}
    assert len(digests) == 2  # so that the step is done again


def test_where_the_head_has_no_tissue_maps_those_of_the_template_serve_and_that_is_said(
    scan, outputs
):
    for name in ("GM", "WM", "CSF"):
        for standard in (False, True):
            outputs.tissue(name, standard=standard).unlink()
    path = outputs.path("xfm", "anat", transform=(outputs.space, "T1w"))
    save(path, np.zeros((*FINE.shape, 1, 3)), FINE)

    inputs = read_inputs(scan, outputs, settings())

    assert np.asarray(inputs.white_matter.dataobj) == pytest.approx(template("WM"), abs=1e-3)
    assert np.asarray(inputs.tissue["GM"].dataobj) == pytest.approx(template("GM"), abs=1e-3)
    assert any("has no tissue maps" in note for note in inputs.series.facts.notes)


def test_components_are_in_the_methods_only_where_some_were_made():
    rng = np.random.default_rng(0)
    inside = np.ones((4, 5, 6), dtype=bool)
    placed = PlacedSeries(rng.normal(100, 1, (64, 120)).astype(np.float32), inside)
    white = np.zeros_like(inside)
    white[:3] = True
    motion = SeriesMotion(
        rng.normal(0, 0.01, (64, 6)), np.zeros(64), np.tile(np.eye(4), (64, 1, 1))
    )

    def methods(masks):
        facts = Facts()
        tissue = Tissues(masks, np.zeros_like(inside), inside.astype(np.uint8))
        bold = BoldSettings(smoothing=0.0)
        clean_series(placed, motion, tissue, np.zeros(64, dtype=bool), TR, bold, facts)
        return facts.methods

    none, one = methods({}), methods({"white_matter": white})

    assert not [name for name in none if "compcor" in name or "signal_" in name[5:12]]
    assert {"bold_compcor_white_matter", "bold_signal_white_matter"} <= {*one}
    assert "bold_compcor_csf" not in one
    assert {"bold_cleaning", "bold_global_signal"} <= {*none}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exclude_motion": True, "motion_limit": 1e-4}, "left out for head motion"),
        ({"window": (300.0, "s")}, "fewer than the 75 of one window"),
        ({"dummy_scans": 30}, "degrees of freedom"),
    ],
)
def test_series_without_connectivity_say_why(scan, outputs, change, words):
    preprocess_bold(scan, outputs, settings(**change))

    assert words in "; ".join(outputs.load_facts().notes)
    assert not list(outputs.root.rglob("*boldmap*"))


@pytest.mark.slow
def test_finished_bold_gives_the_connectivity_of_the_raw_one(scan, outputs, tmp_path, monkeypatch):
    """Where both lie in the same place: that the raw one's is found is for other tests (here,
    at 6 mm, it is found 1.2 mm off, which alone would lower r to 0.94)."""
    still = Coregistration(np.eye(4), 1.0)
    monkeypatch.setattr(placement, "register_series", lambda *_: still)
    preprocess_bold(scan, outputs, settings())
    raw = boldmap(outputs, stat="mean", desc="dfc").get_fdata()
    names = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
    table = tmp_path / "confounds.tsv"
    own = read_table(
        outputs.path("timeseries", "func", task="rest", desc="confounds", extension=".tsv")
    )
    own[names].to_csv(table, sep="\t", index=False)
    finished = replace(
        scan.bold, confounds=table, space="T1w", head=outputs.path("T1w", "anat", desc="preproc")
    )
    taken = Finished(head=finished.head, datasets={"bold": "fmriprep"})
    other = replace(scan, bold=finished, finished=taken)

    preprocess_bold(other, outputs, settings())

    again = boldmap(outputs, stat="mean", desc="dfc").get_fdata()
    both = (raw != 0) & (again != 0)
    assert np.corrcoef(raw[both], again[both])[0, 1] > 0.98
    assert outputs.load_facts().taken["bold"] == "fmriprep"


def tiny(tmp_path, data, sidecar):
    path = tmp_path / "bold.nii.gz"
    nib.save(nib.Nifti1Image(data.astype(np.float32), np.eye(4)), path)
    described = tmp_path / "bold.json"
    described.write_text(json.dumps(sidecar))
    return BoldFile(path=path, sidecars=(described,))


GOOD = 100 + np.random.default_rng(0).normal(size=(3, 3, 4, 20))


@pytest.mark.parametrize(
    ("data", "sidecar", "words"),
    [
        (GOOD[..., 0], {"RepetitionTime": 2}, "3 axes instead of 4"),
        (GOOD, {"RepetitionTime": 2000}, "only be milliseconds"),
        (GOOD[..., :8], {"RepetitionTime": 2}, "8 volumes, of which 0 are dropped"),
        (GOOD, {"RepetitionTime": 2, "SliceTiming": [0, 1]}, "2 times, but the bold has 4"),
        (GOOD, {"RepetitionTime": 2, "SliceTiming": [0, 500, 1000, 1500]}, "milliseconds"),
        (GOOD, {}, "time between bold volumes is unknown"),
        (GOOD, {"RepetitionTime": 2, "SliceEncodingDirection": "IS"}, "'IS', which is no axis"),
    ],
    ids=["one volume", "TR in ms", "too short", "slices", "slice times in ms", "no TR", "axis"],
)
def test_unusable_series_are_explained(tmp_path, data, sidecar, words):
    with pytest.raises(DataError, match=words):
        read_series(tiny(tmp_path, data, sidecar), BoldSettings())


def test_a_series_without_slice_timing_is_taken_and_flagged(tmp_path):
    series = read_series(tiny(tmp_path, GOOD, {"RepetitionTime": 2}), BoldSettings())

    assert series.slice_times is None
    assert "no SliceTiming" in series.facts.notes[0]


def timed(bold, seconds):
    """The same series, whose header gives seconds between volumes."""
    image = nib.load(bold.path)
    image.header.set_zooms((*image.header.get_zooms()[:3], seconds))
    image.header.set_xyzt_units("mm", "sec")
    nib.save(nib.Nifti1Image(image.get_fdata(), None, image.header), bold.path)
    return bold


@pytest.mark.parametrize(
    ("sidecar", "repetition", "words"),
    [({}, 3.0, "no RepetitionTime: the 3 s of"), ({"RepetitionTime": 2}, 2.0, "header of .* 3 s")],
)
def test_a_time_that_only_the_header_has_or_contradicts_is_said(
    tmp_path, sidecar, repetition, words
):
    bold = timed(tiny(tmp_path, GOOD, {**sidecar, "SliceTiming": [0, 0.5, 1, 1.5]}), 3.0)

    series = read_series(bold, BoldSettings())

    assert series.repetition == repetition
    assert re.search(words, "; ".join(series.facts.notes))


def test_a_voxel_with_gaps_has_no_jump_in_it(tmp_path):
    data = GOOD.copy()
    data[1, 1, 1, 7] = np.nan

    series = read_series(tiny(tmp_path, data, {"RepetitionTime": 2}), BoldSettings())

    assert (series.data[1, 1, 1] == 0).all()
    assert any("1 voxels of the bold" in note for note in series.facts.notes)


def test_a_seed_mask_that_reaches_into_the_right_hemisphere_is_refused(tmp_path):
    grid = standard_grid(3)
    path = tmp_path / "seed.nii.gz"
    nib.save(nib.Nifti1Image(sphere(grid, (0, -22, 56), 9).astype(np.uint8), grid.affine), path)
    with pytest.raises(UsageError, match="not in the left hemisphere"):
        wanted_seed(BoldSettings(seed=path))


def test_an_empty_seed_mask_is_refused(tmp_path):
    grid = standard_grid(3)
    path = tmp_path / "seed.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros(grid.shape, np.uint8), grid.affine), path)
    with pytest.raises(UsageError, match="has no voxel in the standard space"):
        wanted_seed(BoldSettings(seed=path))


@pytest.mark.parametrize(
    ("place", "said"), [("raw/m1.nii.gz", "bids:raw:m1.nii.gz"), ("mine/m1.nii.gz", "m1.nii.gz")]
)
def test_a_seed_mask_is_named_without_a_path_of_this_machine(tmp_path, place, said):
    outputs = Outputs(tmp_path / "out", "01", None, datasets={"raw": tmp_path / "raw"})

    found = requested_seed(BoldSettings(seed=tmp_path / place), outputs)

    assert found == {"SeedRequested": said, "SeedRadius": None}


def test_slices_counted_from_the_top_are_turned_round(tmp_path):
    times = [0, 0.5, 1, 1.5]
    sidecar = {"RepetitionTime": 2, "SliceTiming": times, "SliceEncodingDirection": "k-"}

    series = read_series(tiny(tmp_path, GOOD, sidecar), BoldSettings())

    assert series.slice_times.tolist() == times[::-1]


@pytest.mark.parametrize(("asked", "dropped"), [(None, 2), (10, 10)])
def test_first_volumes_are_dropped_as_found_or_as_asked(tmp_path, asked, dropped):
    data = np.tile(GOOD, 3)
    data[..., :2] *= [1.4, 1.2]

    series = read_series(
        tiny(tmp_path, data, {"RepetitionTime": 2}), BoldSettings(dummy_scans=asked)
    )

    assert (series.dropped, series.data.shape[3]) == (dropped, 60 - dropped)


def finished(tmp_path, columns):
    rows = "\n".join("\t".join(["0.1"] * len(columns)) for _ in range(20))
    table = tmp_path / "confounds.tsv"
    table.write_text("\t".join(columns) + "\n" + rows + "\n")
    return replace(tiny(tmp_path, GOOD, {"RepetitionTime": 2}), confounds=table, space="T1w")


MOTION = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]


def test_finished_motion_is_read_in_its_units(tmp_path):
    _, motion = read_finished(finished(tmp_path, MOTION), BoldSettings())

    np.testing.assert_allclose(motion.parameters[0], [0.1] * 3 + [np.rad2deg(0.1)] * 3)
    np.testing.assert_array_equal(motion.matrices[5], np.eye(4))


def test_finished_bold_without_motion_is_refused(tmp_path):
    with pytest.raises(DataError, match="no column rot_y"):
        read_finished(finished(tmp_path, [*MOTION[:4], "csf"]), BoldSettings())


def test_finished_motion_with_gaps_is_refused(tmp_path):
    bold = finished(tmp_path, MOTION)
    lines = bold.confounds.read_text().splitlines()
    lines[7] = lines[7].replace("0.1", "n/a", 2)
    bold.confounds.write_text("\n".join(lines) + "\n")

    with pytest.raises(DataError, match="no number in 1 rows of trans_x"):
        read_finished(bold, BoldSettings())


def test_a_table_of_another_series_is_refused(tmp_path):
    bold = finished(tmp_path, MOTION)
    lines = bold.confounds.read_text().splitlines()
    bold.confounds.write_text("\n".join(lines[:-3]) + "\n")

    with pytest.raises(DataError, match=r"17 rows, but .* has 20 volumes"):
        read_finished(bold, BoldSettings())

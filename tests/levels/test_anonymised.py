"""Runs under pseudonyms: no label is left in anything that they write, and they resume."""

import gzip
import json
import re
import zipfile
from dataclasses import replace

import mne
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from mne._fiff.write import get_machid

from motor_bids_app.bids.tables.ratings import rated_exclude
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import EmptySelectionError, OutputError, UsageError
from motor_bids_app.levels.anonymised import under_pseudonyms
from motor_bids_app.levels.run import run
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.levels.simulate.level import run as simulate
from motor_bids_app.settings import (
    STANDARD_SPACE,
    ProcessingSettings,
    Resources,
    Selection,
    Settings,
)

from .conftest import GRID, contents, describe, make_cohort

MARK = "Schmidt"  # in all labels of a cohort, and nowhere else
N_PEOPLE = 12  # the first with a head and an EEG, the others with nothing but a lesion mask


def name_people(root):
    """Give people other labels, and put these where inputs of hospitals have them."""
    labels = {path.name: f"{path.name}{MARK}" for path in root.glob("sub-*")}
    pattern = re.compile("|".join(labels))
    for path in sorted(root.rglob("*"), key=lambda path: -len(path.parts)):
        if path.suffix in (".json", ".tsv", ".vhdr"):
            path.write_text(pattern.sub(lambda found: labels[found[0]], path.read_text()))
        if (name := pattern.search(path.name)) and path.name.endswith(".nii.gz"):
            image = nib.load(path)
            image.header["descrip"] = labels[name[0]]
            image.header["db_name"] = labels[name[0]]
            image.header.extensions.append(
                nib.nifti1.Nifti1Extension("comment", labels[name[0]].encode())
            )
            nib.save(nib.Nifti1Image(image.get_fdata(), image.affine, image.header), path)
        if path.name.endswith("_T1w.json"):
            content = json.loads(path.read_text())
            path.write_text(json.dumps({**content, "PatientName": labels[name[0]]}))
        if path.suffix == ".edf":
            with path.open("r+b") as stream:
                stream.seek(8)
                stream.write(labels[name[0]].ljust(80).encode())
        path.rename(path.with_name(pattern.sub(lambda found: labels[found[0]], path.name)))


def places_of(mark, folder):
    """Files whose name or content, unpacked, has a mark."""
    found = []
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        contents = [str(path.relative_to(folder)).encode(), content]
        if path.name.endswith(".gz"):
            contents.append(gzip.decompress(content))
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                contents += map(archive.read, archive.namelist())
        if any(mark.lower().encode() in one.lower() for one in contents):
            found.append(path)
    return found


def make_people(root):
    """Simulate a person, and write others who have a mask in standard space."""
    simulate(
        SimulationSettings(
            output_dir=root,
            n_participants=1,
            n_controls=0,
            voxel_size=5.0,
            modalities=("anat", "eeg"),
            signal_seconds=60,
            signal_rate=200,
        )
    )
    rows = ["participant_id\tage\tfma_ue"]
    for number in range(1, N_PEOPLE + 1):
        name = f"sub-{number:03d}"
        rows.append(f"{name}\t{50 + number}\t{5 * number}")
        if number > 1:
            mask = np.zeros(GRID.shape, dtype=np.uint8)
            mask[28:34, 18 : 20 + number, 20:28] = 1
            path = root / name / "anat" / f"{name}_space-{STANDARD_SPACE}_label-L_mask.nii.gz"
            path.parent.mkdir(parents=True)
            nib.save(nib.Nifti1Image(mask, GRID.affine), path)
    (root / "participants.tsv").write_text("\n".join(rows) + "\n")
    (root / "participants.json").unlink()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Settings of all levels, after a run of a small cohort under pseudonyms."""
    folder = tmp_path_factory.mktemp("anonymised")
    raw = folder / "raw"
    make_people(raw)
    name_people(raw)
    (folder / "ladder.toml").write_text(
        'base = "baselines"\nname = "ladder"\n[model]\nrungs = ["prevalence", "lesion_volume"]\n'
        "[validation]\nfolds = 2\nrepeats = 1\npermutations = 0\n"
    )
    first = Settings(
        bids_dir=raw,
        output_dir=folder / "out",
        level="participant",
        key_file=folder / "private" / "key.json",
        processing=ProcessingSettings(sloppy=True),
        resources=Resources(n_procs=1, device="cpu"),
        skip_bids_validation=True,
        experiments=(str(folder / "ladder.toml"),),
        models=(folder / "out" / "experiments" / "ladder" / "model",),
        outside="ignore",
    )
    others = Selection(excluded=tuple(f"{number:03d}{MARK}" for number in (2, 3, 11, 12)))
    group = replace(first, level="group", selection=others)
    later = (replace(first, level=level) for level in ("predict", "validate"))
    settings = replace(first, followed_by=(group, *later))
    run(settings)
    return settings


@pytest.mark.slow
def test_no_label_is_left_in_what_all_levels_write(finished):
    assert len(places_of(MARK, finished.bids_dir)) > N_PEOPLE  # what looks for it finds it
    assert places_of(MARK, finished.output_dir) == []
    for name in ("experiments/ladder/report.html", "predictions/ladder", "validations/ladder"):
        assert (finished.output_dir / name).exists()
    people = read_table(finished.output_dir / "participants.tsv")
    assert len(people) == N_PEOPLE
    assert people["fma_ue"].notna().all()


@pytest.mark.slow
def test_the_key_tells_who_is_who(finished):
    assert finished.key_file.stat().st_mode & 0o777 == 0o600
    people = json.loads(finished.key_file.read_text())["people"]
    given = pd.read_csv(finished.bids_dir / "participants.tsv", sep="\t").set_index(
        "participant_id"
    )
    told = read_table(finished.output_dir / "participants.tsv").set_index("participant_id")
    assert set(people.values()) == set(given.index)
    for name, label in people.items():
        assert float(told.loc[name, "age"]) == pytest.approx(given.loc[label, "age"], abs=0.05)


@pytest.mark.slow
def test_a_second_run_goes_on_where_the_first_was(finished):
    before = contents(finished.output_dir / "experiments" / "ladder")
    run(finished)

    table = read_table(finished.output_dir / "logs" / "participants_status.tsv")
    assert set(table["state"]) == {"kept"}
    assert contents(finished.output_dir / "experiments" / "ladder") == before


@pytest.mark.slow
def test_epochs_do_not_tell_on_which_machine_they_were_made(finished):
    (path,) = finished.output_dir.rglob("*_epo.fif")
    assert get_machid().astype(">i4").tobytes() not in path.read_bytes()
    assert len(mne.read_epochs(path, verbose="ERROR")) > 0


@pytest.fixture
def fake(tmp_path):
    """Settings of a group level on derivatives under labels."""
    cohort = make_cohort(tmp_path)
    return cohort.settings("group", key_file=tmp_path / "key.json")


def opened(settings):
    with under_pseudonyms([settings]) as (one,):
        return one


def test_an_output_has_people_under_labels_or_under_pseudonyms_of_one_key(fake, tmp_path):
    with pytest.raises(UsageError, match="under their own labels"):
        opened(fake)

    described = {"GeneratedBy": [{"Name": "motor_bids_app", "LabelKey": "another"}]}
    describe(fake.output_dir, **described)
    with pytest.raises(UsageError, match="pseudonyms of another key"):
        opened(fake)
    with pytest.raises(UsageError, match="Give --anonymise-labels"):
        opened(replace(fake, key_file=None, level="participant"))


def test_derivatives_under_labels_are_read_under_pseudonyms(fake, tmp_path):
    ours = replace(fake, output_dir=tmp_path / "new", derivatives={"mine": fake.output_dir})
    with under_pseudonyms([ours]) as (one,):
        folders = sorted(path.name for path in one.derivatives["mine"].glob("sub-*"))
        names = read_table(one.bids_dir / "participants.tsv")["participant_id"]
        assert folders == sorted(names)
        assert not {"sub-01", "sub-02"} & {*folders}
        images = list(one.derivatives["mine"].rglob("*_dwimap.nii.gz"))
        assert nib.load(images[0]).shape == GRID.shape
    assert not one.bids_dir.exists()


def test_people_are_asked_for_by_their_labels(fake, tmp_path):
    ours = replace(fake, output_dir=tmp_path / "new")
    one = opened(replace(ours, selection=Selection(participants=("01",), excluded=("02",))))
    people = json.loads(fake.key_file.read_text())["people"]
    assert people[f"sub-{one.selection.participants[0]}"] == "sub-01"
    assert people[f"sub-{one.selection.excluded[0]}"] == "sub-02"

    with pytest.raises(EmptySelectionError, match="leading zeros"):
        opened(replace(ours, selection=Selection(participants=("1",))))


def test_a_key_is_not_kept_where_it_would_be_shared(fake, tmp_path):
    ours = replace(fake, output_dir=tmp_path / "new")
    with pytest.raises(UsageError, match="lies in the output folder"):
        opened(replace(ours, key_file=ours.output_dir / "key.json"))
    with pytest.raises(OutputError, match="inside the input dataset"):
        opened(replace(ours, key_file=ours.bids_dir / "key.json"))


def test_a_dry_run_makes_no_key(fake, tmp_path):
    opened(replace(fake, output_dir=tmp_path / "new", dry_run=True))
    assert not fake.key_file.exists()


def test_ratings_are_of_pseudonyms_at_all_levels(fake, tmp_path):
    given = tmp_path / "ratings.tsv"
    given.write_text("participant_id\trating\n03\texclude\n")
    ours = replace(fake, output_dir=tmp_path / "new", qc_file=given)
    with under_pseudonyms([ours, replace(ours, level="validate")]) as (one, other):
        ((name, _, _),) = rated_exclude(one.qc_file)
        assert other.qc_file == one.qc_file
    assert json.loads(fake.key_file.read_text())["people"][name] == "sub-03"

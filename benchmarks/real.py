"""Real data through the app: what the field's files do to it.

usage: python benchmarks/real.py [DATA] [FOLDER]
DATA: the folder of real test data (default: MOTOR_BIDS_TEST_DATA, or ../shared/data).
Lays the data out as BIDS, runs `participant` on every head, diffusion series and lesion mask,
`group` on the lesions with NIHSS, and `predict` on finished maps of two people, whose diffusivities
are not in mm2/s and must be refused; then the tables of
`benchmarks/heads.py` and `benchmarks/overlap.py`, and one of every image beside its yardstick
(`benchmarks/yardsticks.py`): a label, an answer that others found, a peer, or the same again.
"""

import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import heads as heads_of_people
import overlap
from yardsticks import Verdict, brains, diffusion, placed, repeated

from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.levels.run import run_level
from motor_bids_app.levels.simulate import level as simulate
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.levels.summary import summarise
from motor_bids_app.settings import ProcessingSettings, Resources, Settings

DONE = "done"
SPACE = "space-MNI152NLin2009aSym_res-2"
DIFFUSION = (
    "dwi_ap_pa_b2500",
    "dwi_canon_orientations",
    "dwi_philips_trace",
    "dwi_trio_20dir",
)
REPEATED = {
    "t1head_2mm/T1_head_2mm.nii.gz": "T1w",
    "dwi_ap_pa_b2500/sub-01/anat/sub-01_T1w.nii.gz": "T1w",
    "studyforrest/sub-02/anat/sub-02_T1w.nii.gz": "T1w",
    "stroke_t2_lesion/T2.nii.gz": "T2w",
    "heads_t2_flair_allineate/T2w.nii.gz": "T2w",
}


def dataset(folder: Path, name: str, kind: str = "raw") -> Path:
    """Start a dataset."""
    folder.mkdir(parents=True)
    description = {"Name": name, "BIDSVersion": "1.10.0", "DatasetType": kind}
    if kind == "derivative":
        description["GeneratedBy"] = [{"Name": "manual"}]
    (folder / "dataset_description.json").write_text(json.dumps(description))
    (folder / "README.md").write_text(f"{name}, laid out as BIDS for a benchmark of real data.\n")
    return folder


def put(source: Path, target: Path, sidecar: dict[str, object] | None = None) -> None:
    """Copy a file under its BIDS name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    if sidecar is not None:
        name = target.name.split(".")[0] + ".json"
        (target.parent / name).write_text(json.dumps(sidecar))


def heads(data: Path, folder: Path) -> Path:
    """Every real head: T1w at 2 mm, T2w with a lesion, FLAIR with a lesion on the dwi."""
    root = dataset(folder, "Real heads")
    put(data / "t1head_2mm/T1_head_2mm.nii.gz", root / "sub-t1head/anat/sub-t1head_T1w.nii.gz")
    put(data / "stroke_t2_lesion/T2.nii.gz", root / "sub-t2lesion/anat/sub-t2lesion_T2w.nii.gz")
    masks = dataset(root / "derivatives" / "lesions", "Lesions", "derivative")
    put(
        data / "stroke_t2_lesion/lesionT2.nii.gz",
        masks / "sub-t2lesion/anat/sub-t2lesion_space-T2w_label-L_mask.nii.gz",
    )
    case = data / "isles22_case0009"
    raw = case / "rawdata/sub-strokecase0009/ses-0001"
    stem = "sub-strokecase0009_ses-0001"
    put(raw / f"{stem}_flair.nii.gz", root / "sub-isles/anat/sub-isles_FLAIR.nii.gz")
    put(raw / f"{stem}_dwi.nii.gz", root / "sub-isles/dwi/sub-isles_dwi.nii.gz")
    put(
        case / f"derivatives/sub-strokecase0009/ses-0001/{stem}_msk.nii.gz",
        masks / "sub-isles/dwi/sub-isles_space-dwi_label-L_mask.nii.gz",
    )
    return root


def soop(data: Path, folder: Path) -> Path:
    """360 lesion masks in standard space, with NIHSS."""
    root = dataset(folder, "SOOP lesions")
    for name in ("participants.tsv", "participants.json"):
        shutil.copy(data / "soop_lesions" / name, root / name)
    masks = dataset(root / "derivatives" / "lesions", "SOOP lesion masks", "derivative")
    for path in sorted((data / "soop_lesions/lesions").glob("*.nii.gz")):
        label = path.name.split("-")[1].split("_")[0]
        name = f"sub-{label}_space-MNI152NLin6Asym_label-L_mask.nii.gz"
        put(path, masks / f"sub-{label}/anat/{name}")
    return root


def finished(data: Path, folder: Path) -> Path:
    """Six finished maps of two people, as derivatives of another tool."""
    root = dataset(folder, "Finished maps", "derivative")
    for label in ("c4", "p4"):
        for name in ("FA", "MD", "RD", "AD"):
            target = f"sub-{label}_{SPACE}_model-tensor_param-{name.lower()}_dwimap.nii.gz"
            put(
                data / f"miccai3806/n1_{label}_dti2_{name}_reg.nii.gz",
                root / f"sub-{label}/dwi/{target}",
            )
        for name in ("GM", "WM"):
            target = f"sub-{label}_{SPACE}_label-{name}_probseg.nii.gz"
            put(
                data / f"miccai3806/t1_{label}_structural_{name}.nii.gz",
                root / f"sub-{label}/anat/{target}",
            )
    rows = ["participant_id\tage\tsex", "sub-c4\tn/a\tn/a", "sub-p4\tn/a\tn/a"]
    (root / "participants.tsv").write_text("\n".join(rows) + "\n")
    return root


def model(folder: Path) -> Path:
    """Train a kernel machine on a simulated cohort, and return its bundle."""
    simulate.run(
        SimulationSettings(
            output_dir=folder / "bids",
            n_participants=10,
            n_controls=4,
            voxel_size=3.0,
            n_directions=12,
            seed=4,
            n_procs=os.cpu_count() or 1,
        )
    )
    run_level(settings(folder / "bids", folder / "out"))  # 4 of the 10 have a poor outcome
    run_level(replace(settings(folder / "bids", folder / "out"), level="group"))
    return folder / "out" / "experiments" / "baselines" / "model"


def settings(bids_dir: Path, output_dir: Path) -> Settings:
    """Participant level with all processors."""
    return Settings(
        bids_dir=bids_dir,
        output_dir=output_dir,
        level="participant",
        processing=ProcessingSettings(omp_nthreads=1),
        resources=Resources(n_procs=os.cpu_count() or 1, device="cpu"),
    )


def attempt(title: str, work: Callable[[], object], expected: str = DONE) -> Verdict:
    """Run one piece and say how it ended: done, or with an error that says what is expected."""
    start = time.perf_counter()
    try:
        work()
        state = DONE
    except MotorBidsAppError as error:
        state = str(error)
    print(f"{title:24} {time.perf_counter() - start:7.1f} s  {state}", flush=True)
    held = state == expected or (expected != DONE and expected in state)
    return Verdict(title, "whole run", expected if held else state, expected, held)


def runs(data: Path, folder: Path) -> Iterator[Verdict]:
    """The app on every dataset, as a user would run it."""
    raw = {"heads": heads(data, folder / "heads")}
    raw |= {name: data / name for name in ("ms_heads_t1_t2_flair", "studyforrest", *DIFFUSION)}
    lesions = settings(soop(data, folder / "soop"), folder / "soop_out")
    for name, dataset_ in raw.items():
        # Some hold files that are not BIDS, such as a second licence, which stop a run.
        run = replace(settings(dataset_, folder / f"{name}_out"), skip_bids_validation=True)
        yield attempt(name, lambda run=run: run_level(run))
    yield attempt("soop_lesions participant", lambda: run_level(lesions))
    found: list[object] = []
    yield attempt(
        "soop_lesions group", lambda: found.extend(run_level(replace(lesions, level="group")))
    )
    print(summarise(found) if found else "no result")  # type: ignore[arg-type]
    maps, bundle = finished(data, folder / "finished"), model(folder / "simulated")
    predict = replace(
        settings(maps, folder / "predicted"),
        level="predict",
        models=(bundle,),
        derivatives={"finished": maps},
    )
    units = "The md map has a median of 0.08, which is not a brain diffusivity in mm2/s"
    yield attempt("miccai3806 predict", lambda: run_level(predict), expected=units)


def measured(data: Path, folder: Path) -> Iterator[Verdict]:
    """Each image beside its yardstick; labelled heads are in tables of their own."""
    for name in DIFFUSION:
        series = sorted((data / name).glob("sub-*/dwi/*_dwi.nii.gz"))
        yield from diffusion(folder / f"{name}_out", name, series)
    for name, contrast in REPEATED.items():
        yield from repeated(data / name, contrast, name.split("/")[0], folder / "again")
    yield from brains(data)
    yield from placed(data)


def main() -> int:
    """Print what became of each image, and the tables of labelled heads; 1 if a bar is missed."""
    logging.basicConfig(level=logging.ERROR)
    default = os.environ.get("MOTOR_BIDS_TEST_DATA", "../shared/data")
    data = Path(sys.argv[1] if len(sys.argv) > 1 else default).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else scratch).absolute()
        verdicts = [*runs(data, folder), *measured(data, folder)]
    judged = heads_of_people.main(data, only=[]) + overlap.main(data, ants=False)
    print("\n| image | yardstick | found | bar | |\n| --- | --- | --- | --- | --- |")
    print("\n".join(map(str, verdicts)))
    missed = sum(not one.held for one in verdicts)
    print(f"{len(verdicts) - missed} of {len(verdicts)} held; labelled heads above")
    return 1 if missed or judged else 0


if __name__ == "__main__":
    sys.exit(main())

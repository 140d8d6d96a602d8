"""Make a model in the box again, from open data.

usage: python tools/make_model.py [DATA] [WORK] [FOLDER]
DATA: the folder that holds soop_lesions, as docs/models.md describes it (default:
MOTOR_BIDS_TEST_DATA, or ../shared/data).
WORK: where derivatives and the experiment are kept (default: a temporary folder).
FOLDER: where the model goes (default: its place in the package).

The participant and group levels of the app run on the lesion masks of SOOP, in one process with one
thread. What they learned is rounded to 6 digits, so that processors that add in another order
give the same bytes; these still depend on the versions of libraries in the lock file.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from motor_bids_app import __version__
from motor_bids_app.bids.files import read_json, write_json
from motor_bids_app.bids.tables.columns import resolve_columns
from motor_bids_app.levels.box import BOX, DIGESTS
from motor_bids_app.levels.bundles import load_model
from motor_bids_app.levels.run import run_level
from motor_bids_app.models.store import load_bundle, save_bundle
from motor_bids_app.settings import Resources, Selection, Settings

NAME = "nihss-lesion-2026"
SPACE = "MNI152NLin6Asym"  # of SPM, which the masks are in
DIGITS, NOISE = 6, 1e-9
NOTICE = (
    "nihss-lesion-2026 is for research only. It predicts the NIHSS of acute ischaemic stroke from "
    "a lesion mask, age and sex, and learned from 243 people of one centre: it is no medical "
    "device, and nothing it says may guide the care of a patient. It was not made for chronic "
    "stroke, haemorrhage, or masks that leave out a part of the lesion. Validate it on people "
    "of yours first (the validate level)."
)
DATA = (
    "Learned from the Stroke Outcome Optimization Project (Absher et al. 2024, Sci Data 11:839): "
    "tables of OpenNeuro ds004889 (CC0), and lesion masks in MNI space of its demo repository "
    "(neurolabusc/StrokeOutcomeOptimizationProjectDemo, BSD-2-Clause). No mask and no row is "
    "in here.",
)


def lay_out(data: Path, work: Path) -> tuple[Path, Path, tuple[str, ...]]:
    """Write the tables and masks as BIDS; return both datasets and who has all that is needed."""
    raw, masks = work / "raw", work / "masks"
    raw.mkdir(parents=True, exist_ok=True)
    for name in ("participants.tsv", "participants.json"):
        shutil.copy(data / name, raw)
    write_json(raw / "dataset_description.json", {"Name": "SOOP", "BIDSVersion": "1.10.0"})
    known = resolve_columns(raw).table
    known = known[known["nihss"].notna() & known["age"].notna()]
    people = []
    for person in known["participant_id"]:
        mask = data / "lesions" / f"bwsr{person}_lesion.nii.gz"
        if mask.is_file():
            place = masks / person / "anat" / f"{person}_space-{SPACE}_label-L_mask.nii.gz"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(mask, place)
            people.append(person.removeprefix("sub-"))
    derived = {"Name": "masks", "BIDSVersion": "1.10.0", "DatasetType": "derivative"}
    write_json(masks / "dataset_description.json", derived)
    return raw, masks, tuple(people)


def make(data: Path, work: Path, folder: Path) -> str:
    """Process everyone, run the experiment, and write the model; return its digest."""
    raw, masks, people = lay_out(data / "soop_lesions", work)
    for level in ("participant", "group"):
        settings = Settings(
            bids_dir=raw,
            output_dir=work / "derivatives",
            level=level,
            derivatives={"masks": masks} if level == "participant" else {},
            selection=Selection(participants=people),
            resources=Resources(n_procs=1, device="cpu"),
            skip_bids_validation=True,
            experiments=(str(BOX / NAME / "experiment.toml"),),
        )
        run_level(settings)
    made = work / "derivatives" / "experiments" / NAME / "model"
    for part in (made, *sorted((made / "folds").iterdir())):
        copy_rounded(part, folder / NAME / part.relative_to(made))
    (folder / NAME / "card.md").write_text(card(made.parent / "checklists"))
    return keep_digest(folder)


def card(checklists: Path) -> str:
    """What the run says of the model: sections of the model card, then items of TRIPOD+AI."""
    lines = [f"# {NAME}", "", NOTICE, "", *DATA]
    for name in ("model-card", "tripod-ai"):
        content = read_json(checklists / f"{name}.json")
        lines += ["", f"## {content['checklist']}", "", content["source"], ""]
        lines += [
            f"- {item['number']} **{item['topic']}**: {item['from_run']}"
            for item in content["items"]
            if item["from_run"] and __version__ not in item["from_run"]
        ]
    return "\n".join(lines) + "\n"


def copy_rounded(source: Path, target: Path) -> None:
    """Write a bundle again with all numbers rounded; the model itself with its notice."""
    model, metadata = load_bundle(source)
    inner: Any = getattr(model, "model_", model)
    inner.set_params(bounds=tuple(rounded(list(inner.bounds))))
    for pipeline in model.get_state().pipelines.values():
        round_pipeline(pipeline)
    if "target" in metadata:
        metadata["notice"] = NOTICE
    save_bundle(target, model, rounded(metadata))


def round_pipeline(pipeline: Pipeline) -> None:
    """Round what the steps learned, in place."""
    for _, step in pipeline.steps:
        for name, value in vars(step).items():
            if isinstance(value, float) or getattr(value, "dtype", None) == np.float64:
                kept = rounded(np.asarray(value).tolist())
                setattr(step, name, type(value)(kept) if np.ndim(value) == 0 else np.array(kept))


def rounded(content: Any) -> Any:
    """Round all numbers in what JSON can hold; what is no more than noise becomes 0."""
    if isinstance(content, dict):
        return {name: rounded(value) for name, value in content.items()}
    if isinstance(content, list):
        return [rounded(value) for value in content]
    if not isinstance(content, float):
        return content
    return 0.0 if abs(content) < NOISE else float(f"{content:.{DIGITS}g}")


def keep_digest(folder: Path) -> str:
    """Write down the digest of the model, by which it is checked when it is loaded."""
    path = folder / DIGESTS
    known = read_json(path) if path.is_file() else {}
    write_json(path, {name: digest for name, digest in known.items() if name != NAME})
    digest = load_model(folder / NAME, "cpu").digest
    write_json(path, {**known, NAME: digest})
    return digest


def main() -> None:
    """Make the model where the command line says."""
    default = os.environ.get("MOTOR_BIDS_TEST_DATA", Path(__file__).parents[1] / "../shared/data")
    data = Path(sys.argv[1] if len(sys.argv) > 1 else default)
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else BOX
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(sys.argv[2] if len(sys.argv) > 2 else temporary)
        print(make(data, work, folder))


if __name__ == "__main__":
    main()

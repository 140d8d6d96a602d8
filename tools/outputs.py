# ruff: noqa: E501 (rows of tables)
"""Write docs/outputs.md: what the app writes, and what each column of its tables means.

usage: python tools/outputs.py OUT... > docs/outputs.md

OUT are output folders of runs; columns are described as the dictionaries beside their tables say.
What images and pages are stands here.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

STANDARD = "space-MNI152NLin2009aSym"
HEAD = f"""# What the app writes

The output folder is a BIDS derivative dataset. Every image, table and recording has a JSON file beside it, with its sources; every
column of a table is described there too, and in this page, which `tools/outputs.py` writes from the dictionaries of finished runs.
`<std>` is `{STANDARD}`: maps at 2 mm (`res-2`), bold at 3 mm (`res-3`). A session, task or run is part of a name where the input has it.

## Files

| file | what it is |
| --- | --- |
| `index.html` | start page: everyone with the state of each step, and links to all pages |
| `sub-<label>.html` | page of a participant (and session): viewer, pictures, quality, features, methods text |
| `group.html` | quality of all participants, and results of all experiments |
| `dataset_description.json`, `participants.tsv`, `descriptions.tsv` | as BIDS has them; only known columns of participants are copied |
| `logs/participants_status.tsv` | state, duration and memory of each step of each participant |
| `logs/*.log`, `logs/*.jsonl` | log of each run, for people and, as one JSON object a line, for programs |
| `sub-<label>/anat/*_desc-preproc_T1w.nii.gz` (`T2w`, `FLAIR`) | image without noise and bias field, reoriented to RAS |
| `sub-<label>/anat/*_desc-brain_mask.nii.gz` | brain mask, lesion included |
| `sub-<label>/anat/*_label-<tissue>_probseg.nii.gz` | share of grey matter (GM), white matter (WM) or fluid (CSF) in each voxel |
| `sub-<label>/anat/*_label-L_mask.nii.gz` | lesion |
| `sub-<label>/anat/*_<std>_label-L_desc-disconnection_probseg.nii.gz` | share of streamlines through each voxel that the lesion cuts |
| `sub-<label>/anat/*_from-<space>_to-<space>_mode-image_xfm.nii.gz` | displacement field between native and standard space, for ANTs and SimpleITK |
| `sub-<label>/anat/*_<std>_*` | the same images in the standard space |
| `sub-<label>/dwi/*_desc-preproc_dwi.nii.gz`, `.bval`, `.bvec` | corrected diffusion series, with turned gradients |
| `sub-<label>/dwi/*_model-tensor_param-<map>_dwimap.nii.gz` | `fa`; `md`, `rd`, `ad` in mm²/s; `decfa` colours by direction; `s0`, `rmse` of the fit |
| `sub-<label>/dwi/*_desc-noise_dwimap.nii.gz`, `*_desc-residual_dwimap.nii.gz` | estimated noise; what denoising removed |
| `sub-<label>/dwi/*_desc-susceptibility_dwimap.nii.gz` | displacement by distortion that was undone, in mm |
| `sub-<label>/dwi/*_desc-confounds_timeseries.tsv` | motion of each volume, dropouts |
| `sub-<label>/func/*_boldref.nii.gz`, `*_desc-brain_mask.nii.gz` | mean bold and brain mask, native space |
| `sub-<label>/func/*_<std>_desc-preproc_bold.nii.gz` | bold after correction of time, motion and distortion |
| `sub-<label>/func/*_<std>_desc-denoised_bold.nii.gz` | the same after confounds were removed and the band was filtered |
| `sub-<label>/func/*_desc-confounds_timeseries.tsv` | confounds of each volume |
| `sub-<label>/func/*_boldmap.nii.gz` | connectivity maps of M1: static, and mean and standard deviation over windows |
| `sub-<label>/eeg/*_desc-preproc_eeg.edf`, `emg/*_desc-preproc_emg.edf` | cleaned recordings, with channels and events |
| `sub-<label>/sub-<label>_desc-features.tsv` | one row of all features and quality measures |
| `sub-<label>/sub-<label>_desc-lesionoverlap.tsv`, `*_desc-disconnected<what>.tsv` | lesion by region; cut bundles, pairs and regions |
| `sub-<label>/figures/` | pictures of the page |
| `group/quality.tsv`, `group/lesion-overlap.nii.gz` | quality measures of everyone; number of people with a lesion in each voxel |
| `experiments/<name>/report.html`, `checklists/` | page of an experiment; TRIPOD+AI, CLAIM, PROBAST+AI and model card, filled in |
| `experiments/<name>/experiment.toml` | the experiment with all its settings; running it again gives the same result |
| `experiments/<name>/model/` | the trained model, without pickle; `folds/` are the models of cross-validation, for limits |
| `experiments/<name>/maps/` | attribution maps of the final model, group and people |
| `experiments/ledger.tsv` | every evaluation on these people, with its settings and result |
| `predictions/<model>/` | predictions for new people, with page and table |
| `validations/<model>/` | external validation of a model, with page and tables |

Numbers in tables of the group level are for patients, unless a column says otherwise.
"""
_SIDES = r"(left|right)"


def patterned(name: str) -> str:
    """Name of a table without the person, number or experiment.

    >>> patterned("experiments/mine/metrics.tsv"), patterned("sub-1/sub-1_desc-features.tsv")
    ('experiments/<name>/metrics.tsv', 'sub-<label>/sub-<label>_desc-features.tsv')
    """
    name = re.sub(r"sub-[0-9A-Za-z+]+", "sub-<label>", name)
    name = re.sub(r"ses-[0-9A-Za-z+]+/", "", name)
    name = re.sub(r"_(ses|task|run|acq|rec)-[0-9A-Za-z+]+", "", name)
    return re.sub(r"^(experiments|predictions|validations)/[^/]+/", r"\1/<name>/", name)


def collected(folders: list[Path]) -> dict[str, dict[str, dict[str, object]]]:
    """Dictionaries of all tables, merged, by their patterned name."""
    found: dict[str, dict[str, dict[str, object]]] = {}
    for folder in folders:
        for table in sorted(folder.rglob("*.tsv")):
            sidecar = table.with_suffix(".json")
            name = patterned(str(table.relative_to(folder)))
            if not sidecar.is_file() or name.startswith("participants"):
                continue
            known = found.setdefault(name, {})
            for column, told in json.loads(sidecar.read_text()).items():
                if isinstance(told, dict) and "Description" in told:
                    known.setdefault(column, told)
    return found


def merged(columns: dict[str, dict[str, object]]) -> Iterator[tuple[str, str]]:
    """Rows of a table: columns that differ in side or region alone are one row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for column, told in columns.items():
        text = re.sub(rf"\b{_SIDES}\b", "<side>", str(told["Description"]))
        text = re.sub(r"(: )?(<side> )?[a-z ]+ \(CerebrA\)", r"\1\2<region>", text)
        text = re.sub(r"(<side> )?corticospinal tract(?=,|$| that)", "<region>", text)
        units = str(told.get("Units", ""))
        text += f" ({units})" if units not in ("", "arbitrary", "n/a") else ""
        levels = told.get("Levels")
        if isinstance(levels, dict):
            text += ": " + "; ".join(f"{key}: {value}" for key, value in levels.items())
        rows.setdefault((text.replace("|", "\\|"), str(len(columns) > 60)), []).append(column)
    for (text, _), names in rows.items():
        shown = ", ".join(f"`{name}`" for name in names[:4])
        yield shown + (f" and {len(names) - 4} more" if len(names) > 4 else ""), text


def document(folders: list[Path]) -> str:
    """Return the page."""
    lines = [HEAD]
    for name, columns in sorted(collected(folders).items()):
        if not columns:
            continue
        lines += [f"## `{name}`", "", "| column | meaning |", "| --- | --- |"]
        lines += [f"| {names} | {text} |" for names, text in merged(columns)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(document([Path(name) for name in sys.argv[1:]]), end="")

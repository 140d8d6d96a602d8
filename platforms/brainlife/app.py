"""Run motor_bids_app on inputs of brainlife.io: files in, BIDS, files and pictures out.

usage: python3 app.py config.json

config.json names files of the datatypes neuro/anat/t1w (t1), neuro/dwi (dwi, bvals, bvecs) and
neuro/mask (lesion, in the space of the T1w), and options as `motor_bids_app --config-file` has
them (options). Left behind are derivatives/ (raw), report/ (html), tensor/ (neuro/tensor: fa, md,
ad, rd), and product.json with the pictures. It needs nothing but Python, as brainlife runs it
outside the container, and $MOTOR_BIDS_APP for the command that starts the app.
"""

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

NAMES = {  # key of config.json, and where the file goes
    "t1": "anat/{prefix}_T1w.nii.gz",
    "lesion": "anat/{prefix}_space-T1w_label-lesion_mask.nii.gz",
    "dwi": "dwi/{prefix}_dwi.nii.gz",
    "bvals": "dwi/{prefix}_dwi.bval",
    "bvecs": "dwi/{prefix}_dwi.bvec",
}
FOLDERS = ("bids", "derivatives", "report", "tensor")


def label(text: object) -> str:
    """Letters and digits of a label of brainlife, which may have others."""
    return re.sub("[^0-9a-zA-Z]", "", str(text))


def person_of(config: Mapping[str, Any]) -> tuple[str, str]:
    """Subject, and session or '', as the metadata of the first input have them."""
    inputs = config.get("_inputs") or [{}]
    meta = inputs[0].get("meta") or {}
    return label(meta.get("subject", "")) or "0", label(meta.get("session", ""))


def build_dataset(config: Mapping[str, Any], folder: Path) -> str:
    """Write a BIDS dataset of one person and return the prefix of its names.

    Raises
    ------
    SystemExit
        A file that config.json names is not there, or there is no image.
    """
    subject, session = person_of(config)
    parts = [f"sub-{subject}", *([f"ses-{session}"] if session else [])]
    prefix = "_".join(parts)
    for key, pattern in NAMES.items():
        if not config.get(key):
            continue
        source = Path(config[key])
        if not source.is_file():
            raise SystemExit(f"config.json: {key} is {source}, which is not there.")
        target = folder.joinpath(*parts, pattern.format(prefix=prefix))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        for sidecar in sidecars(config, source):
            described = target.with_name(target.name.removesuffix(".nii.gz") + ".json")
            described.write_text(json.dumps(sidecar))
    if not folder.is_dir():
        raise SystemExit(f"config.json names none of {', '.join(NAMES)}.")
    description = {"Name": "brainlife", "BIDSVersion": "1.10.0"}
    (folder / "dataset_description.json").write_text(json.dumps(description))
    (folder / ".bidsignore").write_text("*_label-lesion_mask.nii.gz\n")
    return prefix


def sidecars(config: Mapping[str, Any], source: Path) -> Iterator[dict[str, Any]]:
    """What brainlife knows of an image, from the input that the file belongs to."""
    if source.name.endswith(".nii.gz"):
        for item in config.get("_inputs") or []:
            keys = [key for key in item.get("keys") or [item.get("id")] if config.get(key)]
            if source in [Path(config[key]) for key in keys]:
                skipped = ("subject", "session", "run", "task")
                yield {k: v for k, v in (item.get("meta") or {}).items() if k not in skipped}


def toml_of(options: Mapping[str, Any]) -> str:
    """Options as TOML, which the values of JSON are written as; null is an option not given."""
    given = {key: value for key, value in options.items() if value is not None}
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in given.items())


def run_app(options: Mapping[str, Any], prefix: str) -> int:
    """Run the participant level; return its exit code."""
    Path("options.toml").write_text(toml_of(options))
    command = [*shlex.split(os.environ["MOTOR_BIDS_APP"]), "bids", "derivatives", "participant"]
    command += ["--participant-label", prefix.split("_")[0], "--config-file", "options.toml"]
    return subprocess.run(command, check=False).returncode


def collect(prefix: str) -> dict[str, Any]:
    """Copy report and tensor maps to folders of their datatypes; return what product.json holds."""
    derivatives = Path("derivatives")
    home = derivatives.joinpath(*prefix.split("_"))
    Path("report").mkdir(exist_ok=True)
    for page in derivatives.glob(f"{prefix}.html"):
        shutil.copyfile(page, "report/index.html")
    for name in ("fa", "md", "ad", "rd"):
        for path in sorted(home.glob(f"dwi/{prefix}_model-tensor_param-{name}_dwimap.nii.gz")):
            Path("tensor").mkdir(exist_ok=True)
            shutil.copyfile(path, f"tensor/{name}.nii.gz")
    pictures = [
        {
            "type": "image/png",
            "name": path.stem.removeprefix(f"{prefix}_"),
            "base64": base64.b64encode(path.read_bytes()).decode("ascii"),
        }
        for path in sorted((home / "figures").glob("*.png"))
    ]
    return {"brainlife": pictures, "meta": {}, "tags": ["motor_bids_app"]}


def main() -> int:
    """Build, run and collect in the current folder; return the exit code of the app."""
    config = json.loads(Path(sys.argv[1]).read_text())
    for name in FOLDERS:
        shutil.rmtree(name, ignore_errors=True)
    prefix = build_dataset(config, Path("bids"))
    code = run_app(config.get("options", {}), prefix)
    Path("product.json").write_text(json.dumps(collect(prefix)))
    return code


if __name__ == "__main__":
    sys.exit(main())

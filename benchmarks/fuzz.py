"""Feed broken files to what reads files, and fail on anything but the app's own errors.

    python benchmarks/fuzz.py --cases 1000000 --seed 0 --keep failures

Each case is a small valid file (a table, a sidecar, an image, a model, an experiment, a record of
an earlier run) that is changed at random, and read. A reader may take it, or refuse it with an
error that derives from `MotorBidsAppError`; any other exception, or more than 5 CPU s, is a
failure.
The same seed gives the same cases. Inputs that failed are kept in the folder of --keep.
"""

import argparse
import copy
import gzip
import json
import logging
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from motor_bids_app.bids.files import load_image, read_json
from motor_bids_app.bids.status import read_status
from motor_bids_app.bids.tables.columns import resolve_columns
from motor_bids_app.bids.tables.passed_on import known_variables
from motor_bids_app.bids.tables.scores_map import load_scores_map
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.cli.values import bids_filter, config_words
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.experiments.reading import parse_experiment
from motor_bids_app.levels.bundle_schema import check_index, check_metadata
from motor_bids_app.levels.participant.outputs import Outputs, read_facts
from motor_bids_app.levels.participant.steps import Step
from motor_bids_app.mri.diffusion.gradients import parse_gradients

SLOWEST = 5.0  # CPU s, of one case: on a busy machine any may wait
TOKENS = (
    b"", b"\t", b"\n", b"\r\n", b"\r", b'"', b"'", b"n/a", b"NaN", b"nan", b"inf", b"-", b"=1+1",
    b"@SUM(A1)", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe9", b"\xf0\x9f\x98\x80", b"1e400",
    b"-1e-400", b"9" * 400, b"1,5", b"89+", b"../../x", b"/etc/passwd", b"[" * 300, b"{" * 300,
    b"a." * 300, b"null", b"true", b"[]", b"{}", b"\\ud800", b"<script>", b"sub-01", b"x" * 5000,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**70), 1e308, float("inf"), float("nan"), "", "x",
    "../x", "/x", "\ud800", "é" * 100, "x" * 20_000, [], {}, [[]], [1, "a"], {"a": {"b": []}},
    "0.05", [0.05], "=1+1",
)  # fmt: skip
TABLE = (
    b"participant_id\tage\tsex\tgroup\tsite\ttime_since_stroke\tfma_ue\tnihss\n"
    b"sub-01\t51\tF\tpatient\tA\t3\t12\t5\nsub-02\t97\tM\tcontrol\tB\tn/a\t66\tn/a\n"
    b"sub-03\t60\tF\tpatient\tA\t12\t40\t2\n"
)
DICTIONARY = {
    "sex": {"Levels": {"F": "female", "M": "male"}},
    "time_since_stroke": {"Units": "months"},
    "group": {"Description": "group", "Levels": {"patient": "stroke", "control": "healthy"}},
}
SIDECAR = {
    "RepetitionTime": 2.0, "TotalReadoutTime": 0.05, "PhaseEncodingDirection": "j-",
    "SliceTiming": [0, 0.5, 1], "IntendedFor": ["dwi/sub-01_dwi.nii.gz"],
}  # fmt: skip
FACTS = {
    "methods": ["bias"], "quality": {"noise": 0.5}, "notes": ["n"], "warnings": [], "taken": {},
}  # fmt: skip
FIGURE = {
    "name": "brain-mask", "title": "T", "caption": "C", "alt": "A", "media_type": "image/png",
}  # fmt: skip
RECORD = {
    "inputs": {"anat": "a"}, "settings": "s", "version": "v",
    "outputs": ["sub-01/anat/sub-01_T1w.nii.gz"],
    "written": {"sub-01/anat/sub-01_T1w.nii.gz": {"size": 4, "sha256": "0" * 64}},
}  # fmt: skip
EXPERIMENT = (
    b'base = "karakis2023"\nname = "x"\n[target]\nscore = "fma_ue"\n[inputs]\nmaps = ["fa", "gm"]\n'
    b"resolution = 4\n[model]\nwidths = [4, 4, 4, 4]\nn_residuals = 1\n[training]\nepochs = 2\n"
    b'[validation]\nfolds = 2\nrepeats = 1\n[comparisons]\nlayers = ["svm"]\n'
)
SCORES_MAP = (
    b'fma_ue = "FM"\nown = { column = "w", minimum = 0, maximum = 2, poor = "< 1" }\n'
    b'sex = { column = "S", levels = { "1" = "male" }, missing = ["9"] }\nignore = ["nihss"]\n'
)
CONFIG = b'nprocs = 2\nderivatives = { a = "/x" }\nparticipant_label = ["01"]\nverbose = true\n'
FILTER = {"t1w": {"acquisition": "mprage", "run": [1, None]}, "bold": {"task": "*"}}
_LIMITS = {"level": 0.9, "poor": 0.3, "good": 0.4, "half_width": None, "least": None, "most": None}
MODEL: dict[str, Any] = {
    "format": 1,
    "kind": "TableClassifier",
    "settings": {"columns": ["lesion_volume"], "pattern": "", "select": False, "penalty": None},
    "values": {"columns": ["lesion_volume"]},
    "sha256": {"arrays.safetensors": "0" * 64},
    "metadata": {
        "software": {"name": "motor_bids_app", "version": "1"},
        "experiment": "n", "model": "lesion_volume", "task": "classification", "members": 1,
        "target": {
            "score": "fma_ue", "title": "F", "unit": "points", "text": "F < 27",
            "comparison": "<", "threshold": 27, "source": "S", "thresholds": [],
            "component": {
                "columns": ["a", "b"], "means": [0, 0], "sds": [1, 1], "weights": [1, -1],
            },
        },
        "classes": ["good", "poor"],
        "inputs": {
            "space": "MNI", "resolution": 2, "maps": [], "mask": "brain",
            "mirror_lesion_to": "none", "baseline_score": "none", "grid": None,
        },
        "processing": {"settings": {"space": "MNI"}, "digest": "0"},
        "performance": [
            {
                "metric": "roc_auc", "population": "patients", "value": 0.7, "low": 0.6,
                "high": None, "noise_floor": 0.3,
            }
        ],
        "cv_plus": {"errors": [0.1, 0.2], "folds": [0, 1], "poor": [True, False]},
        "conformal": _LIMITS, "conformal_outside": _LIMITS,
        "training": {
            "n_people": 12, "n_patients": 12, "n_controls": 0,
            "domain": {
                "spreads": {"age": {"age": {"n": 12, "mean": 50, "sd": 5, "logarithmic": False}}},
                "sites": ["A"],
            },
            "images": {"key": "00", "hashes": ["ab"]},
        },
    },
}  # fmt: skip


def changed_bytes(chance: random.Random, content: bytes) -> bytes:
    """Change some bytes, or put in, take out or repeat a piece."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(made) + 1)
        end = min(len(made), at + chance.choice((1, 2, 8, 64)))
        how = chance.randrange(5)
        if how == 0:
            made[at:at] = chance.choice(TOKENS)
        elif how == 1:
            made[at:end] = chance.choice(TOKENS)
        elif how == 2:
            made[at:end] = made[at:end] * 2
        elif how == 3:
            del made[at : end if chance.random() < 0.9 else None]
        elif made:
            made[at % len(made)] = chance.randrange(256)
    return bytes(made)


def changed_tree(chance: random.Random, content: Any) -> Any:
    """Replace, take out, or add a value somewhere in what JSON holds."""
    made = copy.deepcopy(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        holder, key, part = None, None, made
        while isinstance(part, dict | list) and part and (holder is None or chance.random() < 0.8):
            keys = list(part) if isinstance(part, dict) else range(len(part))
            holder, key = part, chance.choice(keys)
            part = holder[key]
        if holder is None:
            return chance.choice(VALUES)
        if isinstance(holder, dict) and chance.random() < 0.15:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(chance.choice(VALUES))
    return made


def changed_json(chance: random.Random, content: Any) -> bytes:
    """Text of a changed tree; now and then its bytes are changed too."""
    text = json.dumps(changed_tree(chance, content)).encode()
    return changed_bytes(chance, text) if chance.random() < 0.3 else text


def read_tables(folder: Path, chance: random.Random) -> None:
    """Tables of participants with their dictionary, as every level reads them."""
    table, dictionary = TABLE, json.dumps(DICTIONARY).encode()
    if chance.random() < 0.7:
        table = changed_bytes(chance, TABLE)
    else:
        dictionary = changed_json(chance, DICTIONARY)
    (folder / "participants.tsv").write_bytes(table)
    (folder / "participants.json").write_bytes(dictionary)
    calls: list[Callable[[], Any]] = [
        lambda: resolve_columns(folder, strict=chance.random() < 0.5).explain(),
        lambda: known_variables(folder),
        lambda: read_table(folder / "participants.tsv"),
    ]
    chance.choice(calls)()


def read_status_table(folder: Path, chance: random.Random) -> None:
    """The table of states, which a run adds to."""
    (folder / "logs").mkdir(exist_ok=True)
    head = b"participant_id\tsession_id\tmodality\tstate\treason\tseconds\tpeak_memory\n"
    content = changed_bytes(chance, head + b"sub-01\tn/a\tanat\tdone\tn/a\t1.0\t100\n")
    (folder / "logs" / "participants_status.tsv").write_bytes(content)
    read_status(folder)


def read_sidecar(folder: Path, chance: random.Random) -> None:
    """A sidecar as any reader gets it."""
    path = folder / "sub-01_dwi.json"
    path.write_bytes(changed_json(chance, SIDECAR))
    json.dumps(read_json(path)).encode()


def read_header(folder: Path, chance: random.Random) -> None:
    """An image whose header or data are broken; of version 1 or 2, compressed or not."""
    kind = chance.choice((nib.Nifti1Image, nib.Nifti2Image))
    content = bytearray(kind(np.zeros((3, 4, 5), "i2"), np.eye(4)).to_bytes())
    for _ in range(chance.choice((1, 2, 8))):
        at = chance.randrange(min(len(content), 560))
        content[at] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
    if chance.random() < 0.2:
        content = bytearray(changed_bytes(chance, bytes(content)))
    zipped = chance.random() < 0.5
    path = folder / ("a.nii.gz" if zipped else "a.nii")
    path.write_bytes(gzip.compress(bytes(content), 1) if zipped else bytes(content))
    if zipped and chance.random() < 0.2:
        path.write_bytes(changed_bytes(chance, path.read_bytes()))
    load_image(path)


def read_gradients(_folder: Path, chance: random.Random) -> None:
    """The b-values and directions of a series."""
    texts = [b"0 1000 1000 2000\n", b"0 1 0 0\n0 0 1 0\n0 0 0 1\n"]
    which = chance.randrange(2)
    texts[which] = changed_bytes(chance, texts[which])
    table = parse_gradients(*(text.decode(errors="replace") for text in texts))
    table.check(4)


def read_model(folder: Path, chance: random.Random) -> None:
    """What a received model says of itself."""
    path = folder / "model.json"
    path.write_bytes(changed_json(chance, MODEL))
    content = read_json(path)
    check_index(content, "model:")
    check_metadata(content["metadata"], "model:")


def read_experiment(_folder: Path, chance: random.Random) -> None:
    """An experiment of the user."""
    text = changed_bytes(chance, EXPERIMENT).decode(errors="replace")
    parse_experiment(text, "x.toml")


def read_settings(folder: Path, chance: random.Random) -> None:
    """A scores map, a configuration file, a filter file."""
    path = folder / "settings"
    which = chance.randrange(3)
    if which == 0:
        path.write_bytes(changed_bytes(chance, SCORES_MAP))
        load_scores_map(path)
    elif which == 1:
        path.write_bytes(changed_bytes(chance, CONFIG))
        config_words(path, ["--nprocs", "--derivatives", "--participant-label", "--verbose"], {})
    else:
        path.write_bytes(changed_json(chance, FILTER))
        bids_filter(path)


def read_records(folder: Path, chance: random.Random) -> None:
    """What an earlier run left in the output: records, facts, figures."""
    outputs, step = Outputs(folder, "01", None), Step("anat", "sub-01", folder)
    for part in (outputs.figures, step.record.parent):
        part.mkdir(parents=True, exist_ok=True)
    which = chance.randrange(3)
    if which == 0:
        path = folder / "facts.json"
        path.write_bytes(changed_json(chance, FACTS))
        read_facts(path)
    elif which == 1:
        name = outputs.figures / "sub-01_brain-mask.json"
        name.write_bytes(changed_json(chance, FIGURE))
        name.with_suffix(".png").write_bytes(b"\x89PNG")
        name.with_suffix(".svg").write_bytes(b"<svg/>")
        figure = outputs.load_figure("brain-mask")
        str(figure and (figure.html, figure.wide))
    else:
        step.record.write_bytes(changed_json(chance, RECORD))
        str((step.is_intact, step.was_killed, step.is_outdated(Step("x", "sub-01", folder))))
        step.discard()


READERS = (
    read_tables, read_status_table, read_sidecar, read_header, read_gradients, read_model,
    read_experiment, read_settings, read_records,
)  # fmt: skip


def run(cases: int, seed: int, keep: Path | None = None, only: str = "") -> list[str]:
    """Try so many cases; return a line for each failure."""
    failures: list[str] = []
    readers = [reader for reader in READERS if only in reader.__name__]
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable()
        for number in range(cases):
            reader = readers[number % len(readers)]
            chance = random.Random(f"{seed} {number}")
            folder = Path(scratch) / reader.__name__
            folder.mkdir(exist_ok=True)
            start = time.process_time()
            try:
                reader(folder, chance)
            except MotorBidsAppError:
                pass
            except Exception as error:
                line = traceback.format_exc().strip().splitlines()[-3].strip()
                failures.append(f"{reader.__name__} {number}: {error!r:.200} ({line})")
            if (seconds := time.process_time() - start) > SLOWEST:
                failures.append(f"{reader.__name__} {number}: took {seconds:.1f} s")
            if keep is not None and failures and failures[-1].split()[1] == f"{number}:":
                _keep(folder, keep / f"{reader.__name__}-{seed}-{number}")
    logging.disable(logging.NOTSET)
    return failures


def _keep(folder: Path, place: Path) -> None:
    """Copy the small files of a case."""
    for path in folder.rglob("*"):
        if path.is_file():
            target = place / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())


def main() -> int:
    """Run what the command line asks for; 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="", help="readers whose name holds this")
    args = parser.parse_args()
    failures = run(args.cases, args.seed, args.keep, args.only)
    for failure in failures[:50]:
        sys.stdout.write(f"{failure}\n")
    sys.stdout.write(f"{args.cases} cases, {len(failures)} failures\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

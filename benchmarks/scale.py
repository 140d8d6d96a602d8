"""How long it takes to list datasets of many people, beside bids2table, and their derivatives.

usage: python benchmarks/scale.py [PEOPLE ...]
For each number of people (default: 100, 1000, 10000) writes a dataset of two sessions with
anatomy, dwi, bold, EEG and EMG, of empty images, and lists it: CPU seconds of a fresh process,
imports left out, median of three; and as one of 100 array jobs does. Then the same for the start of
the group level: derivatives of as many people, five maps and 200 features each, gathered with their
scores. Ends with 1 if listing 1,000 people takes more than 3 CPU seconds or gathering them more
than 5, or any number more than twice what bids2table takes, where it is installed in .venv-peers.
For at most 100 people pybids is timed too, without the content of sidecars.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from motor_bids_app.features.columns import COLUMNS

LIMIT, TIMES_PEER = 3.0, 2.0  # CPU s of 1,000 people, and times bids2table's
GROUP_LIMIT = 5.0  # CPU s of 1,000 people
PEER_PYTHON = Path(__file__).parents[1] / ".venv-peers" / "bin" / "python"
OURS = """
import sys, time
from pathlib import Path
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.settings import Selection
start = time.process_time()
found = index_dataset(Path(sys.argv[1]), Selection(shard=(1, int(sys.argv[2]))))
print(time.process_time() - start, len(found))
"""
GROUP = """
import sys, time
from pathlib import Path
from motor_bids_app.levels.cohort.participants import gather_participants
from motor_bids_app.settings import Settings
root = Path(sys.argv[1])
start = time.process_time()
found = gather_participants(Settings(bids_dir=root, output_dir=root / "out", level="group"))
print(time.process_time() - start, len(found.scans))
"""
MAPS = (
    "dwi/{}_space-MNI152NLin2009aSym_res-2_model-tensor_param-fa_dwimap",
    "dwi/{}_space-MNI152NLin2009aSym_res-2_model-tensor_param-md_dwimap",
    "anat/{}_space-MNI152NLin2009aSym_res-2_label-GM_probseg",
    "anat/{}_space-MNI152NLin2009aSym_res-2_label-WM_probseg",
    "anat/{}_space-MNI152NLin2009aSym_res-2_label-L_mask",
)
PEER = """
import sys, time
from bids2table import index_dataset
start = time.process_time()
found = index_dataset(sys.argv[1])
print(time.process_time() - start, len(found))
"""
PYBIDS = """
import sys, time
from bids.layout import BIDSLayout, BIDSLayoutIndexer
start = time.process_time()
indexer = BIDSLayoutIndexer(validate=False, index_metadata=False)
found = BIDSLayout(sys.argv[1], validate=False, indexer=indexer).get_files()
print(time.process_time() - start, len(found))
"""
MOST_PYBIDS = 100  # people: it takes about a minute for 1,000
SIDECARS = {
    "T1w": "{}",
    "dwi": '{"PhaseEncodingDirection": "j", "TotalReadoutTime": 0.05}',
    "task-rest_bold": '{"RepetitionTime": 2.0, "TaskName": "rest"}',
    "task-rest_eeg": '{"TaskName": "rest", "SamplingFrequency": 500}',
}
FILES = {
    "anat": ("T1w.nii.gz", "T1w.json", "FLAIR.nii.gz", "label-L_mask.nii.gz"),
    "dwi": ("dwi.nii.gz", "dwi.bval", "dwi.bvec", "dwi.json"),
    "func": ("task-rest_bold.nii.gz", "task-rest_bold.json"),
    "eeg": ("task-rest_eeg.edf", "task-rest_channels.tsv"),
    "emg": ("task-grasp_emg.edf", "task-grasp_channels.tsv"),
}
CONTENT = {".json": "{}", ".bval": "0 1000\n", ".bvec": "0 1\n0 0\n0 0\n"}


def write_dataset(root, people):
    """Write a dataset whose images are empty."""
    root.mkdir()
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    for name, text in SIDECARS.items():
        (root / f"{name}.json").write_text(text)
    for person in range(people):
        for session in (1, 2):
            folder = root / f"sub-{person:05d}" / f"ses-{session}"
            for kind, names in FILES.items():
                (folder / kind).mkdir(parents=True)
                for name in names:
                    path = folder / kind / f"sub-{person:05d}_ses-{session}_{name}"
                    path.write_text(CONTENT.get(path.suffix, ""))


def write_derivatives(root, people):
    """Write derivatives of people with a score; maps are empty."""
    names = sorted(COLUMNS)[:200]
    text = "\t".join(names) + "\n" + "\t".join(["0.5"] * len(names)) + "\n"
    rows = ["participant_id\tage\tfma_ue\n"]
    for person in range(people):
        name = f"sub-{person:05d}"
        rows.append(f"{name}\t60\t{person % 67}\n")
        home = root / "out" / name
        for pattern in MAPS:
            path = home / pattern.format(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(f"{path.name}.nii.gz").write_text("")
            path.with_name(f"{path.name}.json").write_text("{}")
        (home / f"{name}_desc-features.tsv").write_text(text)
    (root / "participants.tsv").write_text("".join(rows))


def listed(python, program, *given):
    """CPU seconds, median of three processes, and what was found."""
    runs = []
    for _ in range(3):
        done = subprocess.run(
            [python, "-c", program, *given], check=True, stdout=subprocess.PIPE, text=True
        )
        runs.append([float(word) for word in done.stdout.split()])
    return statistics.median(seconds for seconds, _ in runs), int(runs[0][1])


def has_peer():
    """Whether bids2table is installed beside us."""
    asked = [str(PEER_PYTHON), "-c", "import bids2table"]
    return PEER_PYTHON.exists() and not subprocess.run(asked, stderr=subprocess.DEVNULL).returncode


def main():
    """Print a line for each size; 1 if a limit is missed."""
    sizes = [int(word) for word in sys.argv[1:]] or [100, 1000, 10000]
    peer, missed = has_peer(), False
    for people in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch) / "bids"
            write_dataset(root, people)
            seconds, found = listed(sys.executable, OURS, str(root), "1")
            own, _ = listed(sys.executable, OURS, str(root), "100")
            line = f"{people} people: {found} scans in {seconds:.2f} CPU s, 1 of 100 jobs {own:.2f}"
            allowed = LIMIT * people / 1000
            if peer:
                theirs, files = listed(str(PEER_PYTHON), PEER, str(root))
                line += f", bids2table {files} files in {theirs:.2f}, {seconds / theirs:.2f} times"
                missed |= seconds > TIMES_PEER * theirs
            if people <= MOST_PYBIDS:
                theirs, files = listed(sys.executable, PYBIDS, str(root))
                line += f", pybids {files} files in {theirs:.2f}"
            print(line, flush=True)
            missed |= people >= 1000 and seconds > allowed
            write_derivatives(root, people)
            seconds, found = listed(sys.executable, GROUP, str(root))
            print(f"{people} people: group starts with {found} scans in {seconds:.2f} CPU s")
            missed |= people >= 1000 and seconds > GROUP_LIMIT * people / 1000
    print("a limit is missed" if missed else "all limits that were measured are met")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

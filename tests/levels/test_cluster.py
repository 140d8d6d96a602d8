"""The recipes of docs/cluster.md run, with processes in the place of a cluster."""

import base64
import difflib
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from motor_bids_app.cli.parse import parse_settings

from .conftest import contents

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(?:bash|python) title=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DRAWING = re.compile(r"data:image/([^;]*);base64,([A-Za-z0-9+/=]+)")
RECIPES = dict(BLOCK.findall((ROOT / "docs" / "cluster.md").read_text()))
EXPERIMENT = """
base = "karakis2023"
name = "network"
[inputs]
maps = ["fa"]
resolution = 4
[model]
rungs = ["prevalence"]
widths = [2, 2, 2, 2]
n_residuals = 0
hidden = 2
[training]
epochs = 1
trainings = 1
[validation]
scheme = "repeated_kfold"
folds = 2
repeats = 1
permutations = 0
[comparisons]
layers = []
[explanation]
methods = ["gradcam"]
people_per_test = 1
[as_published]
protocols = []
"""
STAND_INS = {
    # A job array is a loop; what a job says goes where logs of jobs go.
    "sbatch": r"""#!/bin/bash
for word in "$@"; do script=$word; done
export SLURM_ARRAY_TASK_COUNT=$(sed -n 's/^#SBATCH --array=1-//p' "$script" | grep . || echo 1)
for number in $(seq "$SLURM_ARRAY_TASK_COUNT"); do
    SLURM_ARRAY_TASK_ID=$number bash "$script" >> jobs.log 2>&1 || echo "failed $script" >> failed
done
echo 7
""",
    # Whatever is between "run" and the image are options of Apptainer.
    "apptainer": r"""#!/bin/bash
[ "$1" = build ] && touch "$2"
[ "$1" = run ] || exit 0
while [[ "$1" != *.sif ]]; do shift; done
[ -f "$1" ] && shift && exec motor_bids_app "$@"
""",
    "docker": "#!/bin/bash\n[ $1 = build ]\n",
    "motor_bids_app": f"""#!{sys.executable}
import json, os, sys
with open("commands.jsonl", "a") as stream:
    stream.write(json.dumps(sys.argv[1:]) + "\\n")
if "RUN_COMMANDS" in os.environ:
    from motor_bids_app.__main__ import main
    sys.exit(main())
""",
}
JOBQUEUE = """
class SLURMCluster:
    scheduler_address = "tcp://127.0.0.1:8786"
    def __init__(self, cores, processes, memory, walltime): ...
    def __enter__(self): return self
    def __exit__(self, *_): ...
    def scale(self, jobs): ...
"""


class Cluster:
    """A folder with the recipes and what stands in for programs of a cluster.

    Parameters
    ----------
    folder : Path
    cohort : FakeCohort
    """

    def __init__(self, folder, cohort):
        self.folder, self.cohort = folder, cohort
        (folder / "bin").mkdir()
        (folder / "dask_jobqueue.py").write_text(JOBQUEUE)
        (folder / "network.toml").write_text(EXPERIMENT)
        for name, text in STAND_INS.items():
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        places = {
            "/data/bids": str(cohort.raw),
            "/data/out": str(cohort.output),
            "/scratch/work": str(folder / "work"),
            "--experiment karakis2023": f"--experiment {folder / 'network.toml'} --device cpu",
            "--array=1-20": "--array=1-2",
            "--omp-nthreads 2": "--omp-nthreads 1",
        }
        (folder / "work").mkdir()
        for name, text in RECIPES.items():
            for old, new in places.items():
                text = text.replace(old, new)
            (folder / name).write_text(text)

    def run(self, name, **environment):
        """Run a recipe; return the command lines of the app, as settings."""
        found = os.pathsep.join(
            [str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        )
        env = {**os.environ, "PATH": found, "PYTHONPATH": str(ROOT), **environment}
        subprocess.run(["bash", name], cwd=self.folder, env=env, check=True, timeout=600)
        assert not (self.folder / "failed").exists(), (self.folder / "jobs.log").read_text()
        lines = (self.folder / "commands.jsonl").read_text().splitlines()
        return [parse_settings(json.loads(line)) for line in lines]

    @property
    def results(self):
        """All files of the experiment."""
        return contents(self.cohort.output / "experiments" / "network")


def differences(path, *results):
    """Say where a file of two folders differs: its lines, and those of drawings inside."""
    texts = [_DRAWING.sub(_drawn, one[path].decode(errors="replace")) for one in results]
    lines = difflib.unified_diff(*(text.splitlines() for text in texts), lineterm="", n=0)
    return [str(path), *(line[:300] for line in itertools.islice(lines, 60))]


def _drawn(found):
    drawing = base64.b64decode(found[2])
    return drawing.decode() if "svg" in found[1] else hashlib.sha256(drawing).hexdigest()


@pytest.fixture
def cluster(fake_cohort, tmp_path):
    unwanted = shutil.ignore_patterns("experiments")
    shutil.copytree(fake_cohort.output, tmp_path / "out", ignore=unwanted)
    return Cluster(tmp_path, replace(fake_cohort, output=tmp_path / "out"))


def test_jobs_of_slurm_share_participants_then_trainings_and_one_puts_them_together(cluster):
    asked = cluster.run("submit.sh")

    levels = [(one.level, one.selection.shard) for one in asked]
    assert levels[:2] == [("participant", (1, 2)), ("participant", (2, 2))]
    assert levels[2:] == [("group", (1, 2)), ("group", (2, 2)), ("group", (1, 1))]
    assert {one.processing.omp_nthreads for one in asked} == {1}


def test_the_image_takes_the_place_of_the_command(cluster):
    (cluster.folder / "all.sh").write_text("set -e\n. ./build.sh\n. ./apptainer.sh\n")

    (asked,) = cluster.run("all.sh")

    assert (asked.level, asked.work_dir) == ("group", cluster.folder / "work")


def test_workers_may_be_jobs_of_another_scheduler(cluster):
    (asked,) = cluster.run("jobqueue.sh", PYTHONPATH=f"{ROOT}{os.pathsep}{cluster.folder}")

    assert asked.resources.engine == "dask:tcp://127.0.0.1:8786"


@pytest.mark.slow
def test_results_of_array_jobs_and_of_workers_are_the_same(cluster):
    (cluster.folder / "jobs.sh").write_text("sbatch trainings.sbatch && sbatch results.sbatch\n")

    cluster.run("jobs.sh", RUN_COMMANDS="yes")
    said = (cluster.folder / "jobs.log").read_text()
    assert "2 of 3 trainings are of shard 1/2" in said
    assert "1 of 3 trainings are of shard 2/2" in said
    assert list((cluster.folder / "work").rglob("*.safetensors")) == []
    by_jobs = cluster.results
    shutil.rmtree(cluster.cohort.output / "experiments")
    cluster.run("dask.sh", RUN_COMMANDS="yes")

    assert by_jobs.keys() == cluster.results.keys()
    changed = [path for path, content in cluster.results.items() if by_jobs[path] != content]
    assert not changed, "\n".join(differences(changed[0], by_jobs, cluster.results))

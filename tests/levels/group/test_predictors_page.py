"""What docs/predictors.md shows can be done."""

import re
import shlex
import shutil
from pathlib import Path

import pandas as pd

from motor_bids_app.__main__ import main

PAGE = Path(__file__).parents[3] / "docs" / "predictors.md"
QUICK = "\n[validation]\nfolds = 3\nrepeats = 2\npermutations = 0\n"


def test_the_example_of_the_page_runs_on_a_cohort(fake_cohort, tmp_path, monkeypatch):
    text = PAGE.read_text()
    shutil.copytree(fake_cohort.raw, tmp_path / "raw")
    shutil.copytree(fake_cohort.output, tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall("```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})
    (experiment,) = re.findall("```toml\n(.*?)```", text, re.DOTALL)
    Path("clinical.toml").write_text(experiment + QUICK)
    commands = [shlex.split(line) for line in re.findall("^    (motor_bids_app .*)$", text, re.M)]

    assert [words[3] for words in commands] == ["participant", "group", "predict"]
    for words in commands[1:]:
        assert main(words[1:]) == 0, words

    folder = tmp_path / "out" / "experiments" / "clinical"
    added = pd.read_csv(folder / "added.tsv", sep="\t")
    assert added["reference"].tolist() == ["own", "kernel"]
    assert list((tmp_path / "out").rglob("predictions.tsv"))[1:]

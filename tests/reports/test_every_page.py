"""What holds for each page, whatever it reports."""

import base64
import hashlib
import re
from dataclasses import replace

import pandas as pd
import pytest

from motor_bids_app.evaluation.case_mix import COLUMNS as CASE_MIX
from motor_bids_app.evaluation.external import COMPARISON_COLUMNS as COMPARED
from motor_bids_app.evaluation.pairs import COLUMNS
from motor_bids_app.evaluation.updating import COLUMNS as UPDATES
from motor_bids_app.reports.experiment.gate import ALONE
from motor_bids_app.reports.experiment.joint import JointReport, render_joint
from motor_bids_app.reports.experiment.page import (
    ExperimentLink,
    GroupReport,
    render_comparison,
    render_experiment,
)
from motor_bids_app.reports.experiment.stopped import StoppedReport, render_stopped
from motor_bids_app.reports.index import IndexReport, PersonLink, render_index
from motor_bids_app.reports.participant import checks
from motor_bids_app.reports.participant.method_steps import STEPS
from motor_bids_app.reports.participant.methods import participant_methods
from motor_bids_app.reports.participant.motion import motion_chart
from motor_bids_app.reports.participant.page import ParticipantReport, Section, render_participant
from motor_bids_app.reports.participant.viewer import ViewedMap, pack_viewer
from motor_bids_app.reports.prediction.content import Driver, Person, PredictionReport
from motor_bids_app.reports.prediction.page import render_prediction
from motor_bids_app.reports.validation.content import ModelLink, ValidationReport
from motor_bids_app.reports.validation.page import render_side_by_side, render_validation
from motor_bids_app.reports.validation.verdict import HOLDS


def participant(head, brain, features=None):
    figures = (checks.brain_mask(head, brain), checks.bias_field(head, head, brain))
    chart = motion_chart(
        pd.DataFrame([[0.0] * 6] * 3).to_numpy(), pd.Series([0, 1, 2.0]).to_numpy(), limit=1
    )
    roles = ("image", "image", "overlay", "lesion")
    maps = [ViewedMap(label=f"{role} {k}", image=head, role=role) for k, role in enumerate(roles)]
    return render_participant(
        ParticipantReport(
            participant="sub-01",
            done=("T1w",),
            viewer=pack_viewer(maps, brain),
            warnings=("Look.",),
            features=features or {"a": 1.0},
            quality={"b": 2.0},
            settings={"c": 3},
            sections={"anatomy": Section(figures=figures), "diffusion": Section(figures=(chart,))},
            methods=participant_methods(STEPS, space="MNI", versions={"motor_bids_app": "1"}),
        )
    )


def group(answer):
    link = ExperimentLink(
        name="baselines",
        href="experiments/baselines/report.html",
        question="Who has a poor outcome (Fugl-Meyer Assessment, upper extremity < 27)?",
        answer=answer,
        model_label="All voxels of the maps, age, sex and time (linear kernel machine)",
    )
    return render_comparison(GroupReport(dataset="cohort", experiments=(link,)))


def joint(answer):
    links = [
        ExperimentLink(
            name=f"arm-{score}",
            href=f"../arm-{score}/report.html",
            question="Who?",
            answer=answer,
            model_label="Kernel",
        )
        for score in ("fma_ue", "arat")
    ]
    scores = pd.DataFrame(
        [("fma_ue", "FMA-UE < 27", 0.01, 0.2), ("arat", "ARAT <= 21", float("nan"), 0.3)],
        columns=["score", "target", "chance_p_holm", "difference_p_holm"],
    )
    pair = [("fma_ue", "arat", 30, *[0.8, 0.7, 0.9] * 2)]
    return render_joint(
        JointReport(
            name="arm",
            description="Two scores",
            links=tuple(links),
            scores=scores,
            correlations=pd.DataFrame(pair, columns=list(COLUMNS)),
            classify=True,
            n_patients=30,
            n_controls=5,
            excluded=pd.DataFrame({"reason": ["no arat (arat is predicted too)"], "people": [2]}),
            splits={"repeats": 10},
            leftovers=("model",),
        )
    )


def prediction():
    person = Person(
        participant="sub-1",
        predicted=0.5,
        called="poor",
        possible=("poor",),
        drivers=(Driver("Age", 1.0, "50 years", "60 years"),),
    )
    none = pd.DataFrame({"participant_id": [], "reason": []})
    performance = pd.DataFrame(
        [("roc_auc", "all", 0.8, 0.7, 0.9)],
        columns=["metric", "population", "value", "low", "high"],
    )
    return render_prediction(
        PredictionReport(
            model="m",
            model_label="K",
            task="classification",
            target="t",
            verdict=ALONE,
            people=(person, replace(person, participant="sub-2")),
            skipped=none,
            performance=performance,
            provenance={"people": 3},
        )
    )


def validation(figure):
    updates = [("as it is", 0.0, 1.0, "brier", 0.2, float("nan"), float("nan"), float("nan"), 40)]
    updates.append(("intercept", 0.3, 1.0, "brier", 0.19, 0.01, 0.002, 0.02, 40))
    mix = [("age", 60, 62.0, 9.0, 40, 55.0, 12.0, -0.8, 0.1)]
    return render_validation(
        ValidationReport(
            name="baselines",
            model_label="Tract load",
            target="FMA-UE < 27",
            dataset="elsewhere",
            verdict=HOLDS,
            headline="AUC 0.80 (0.70 to 0.88) in 40 patients.",
            n_people=40,
            n_poor=15,
            left_out=pd.DataFrame({"participant_id": ["sub-9"], "reason": ["no lesion mask"]}),
            performance=(("AUC", "0.80 (0.70 to 0.88)", "0.82 (0.74 to 0.90)"),),
            figures=(figure,),
            updates=pd.DataFrame(updates, columns=UPDATES),
            advice="For people like these its intercept should be updated (closed test, 5 %).",
            case_mix=pd.DataFrame(mix, columns=CASE_MIX),
            coverage=None,
            subgroups=None,
            sites=None,
            notes=("2 people are older than any in training.",),
            provenance={"people": 60},
            versions={"motor_bids_app": "1"},
        )
    )


def validations():
    links = [
        ModelLink(
            name=name,
            label="Tract load",
            href=f"{name}/report.html",
            target="FMA-UE < 27",
            n_people=40,
            result="AUC 0.80 (0.70 to 0.88)",
            verdict=HOLDS,
        )
        for name in ("one", "two")
    ]
    rows = [("one", "two", "roc_auc", 0.02, -0.03, 0.07, 0.4)]
    compared = {"FMA-UE < 27": pd.DataFrame(rows, columns=COMPARED)}
    return render_side_by_side(links, compared, {"three": "No maps."}, "cohort", {})


def index():
    people = tuple(PersonLink(f"sub-{k:02d}", f"sub-{k:02d}.html") for k in range(15))
    pages = {"experiments": {"baselines": "experiments/baselines/report.html"}}
    return render_index(IndexReport(dataset="cohort", pages=pages, people=people))


KINDS = (
    "participant", "experiment", "group", "joint", "prediction", "validation", "validations",
    "stopped", "index",
)  # fmt: skip


@pytest.fixture
def makers(head, brain, experiment, answer, audit):
    """Functions that make a page of each of `KINDS`."""
    return {
        "participant": lambda: participant(head, brain),
        "experiment": lambda: render_experiment(experiment),
        "group": lambda: group(answer),
        "joint": lambda: joint(answer),
        "prediction": prediction,
        "validation": lambda: validation(experiment.blocks[1].figures[0]),
        "validations": validations,
        "index": index,
        "stopped": lambda: render_stopped(
            StoppedReport(
                name="baselines",
                question="Who?",
                n_people=30,
                stopping=("duplicates",),
                audit=audit.assign(name="duplicates", state="failed"),
                leftovers=("metrics.tsv",),
            )
        ),
    }


@pytest.fixture(params=KINDS)
def html(request, makers):
    return makers[request.param]()


def test_nothing_is_loaded_from_outside(html, read_page):
    page = read_page(html)

    assert page.all("script") == [{}]  # the one of this package, without a source
    assert not page.all("link", "iframe", "object", "embed", "base")
    assert all(str(image["src"]).startswith("data:") for image in page.all("img"))
    targets = [use.get("xlink:href") or use.get("href") for use in page.all("use", "image")]
    assert all(str(target).startswith(("#", "data:")) for target in targets)
    assert not re.search(r"url\(\s*['\"]?(?!#)|@import", html)
    assert not any(name.startswith("on") for _, tag in page.tags for name in tag)


def test_the_policy_of_the_page_lets_its_own_script_run_and_nothing_else(html, read_page):
    (policy,) = (
        str(tag["content"])
        for tag in read_page(html).all("meta")
        if tag.get("http-equiv") == "Content-Security-Policy"
    )
    script = re.search("<script>(.*?)</script>", html, flags=re.S)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_every_page_leads_back_to_all_pages(html, read_page):
    assert any(str(a["href"]).endswith("index.html") for a in read_page(html).all("a"))


def test_pictures_have_alternative_text(html, read_page):
    page = read_page(html)

    assert all(image["alt"] for image in page.all("img"))


def test_drawings_are_images_in_which_nothing_runs(html, read_page):
    assert not read_page(html).all("svg", "foreignObject", "use")


def test_headings_of_tables_say_what_they_head(html, read_page):
    assert all(tag.get("scope") in ("col", "row") for tag in read_page(html).all("th"))


def test_headings_start_at_one_and_skip_no_level(html, read_page):
    levels = [int(tag[1]) for tag, _ in read_page(html).tags if re.fullmatch("h[1-6]", tag)]

    assert levels.count(1) == 1
    assert levels[0] == 1


def test_ids_are_unique_and_links_inside_the_page_lead_somewhere(html, read_page):
    page = read_page(html)
    ids = [str(tag["id"]) for _, tag in page.tags if "id" in tag]

    assert len(ids) == len(set(ids))
    inside = [str(a["href"])[1:] for a in page.all("a") if str(a["href"]).startswith("#")]
    assert inside
    assert set(inside) <= set(ids)


def test_the_page_names_its_language_and_title(html, read_page):
    page = read_page(html)

    assert page.all("html") == [{"lang": "en"}]
    assert html.startswith("<!DOCTYPE html>")
    assert re.search("<title>[^<]+</title>", html)


def contrast_ratio(one, other):
    """Contrast of two colours as '#rrggbb' (WCAG 2.2)."""

    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_stand_out_from_the_page(scheme):
    html = prediction()
    light, dark = re.findall(r":root \{(.*?)\}", html, flags=re.S)[:2]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    if scheme == "dark":
        colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark))

    for ground in ("paper", "card"):
        for name in ("ink", "muted", "accent", "good", "warn", "bad"):
            assert contrast_ratio(colours[name], colours[ground]) >= 4.5, name
        for name in (key for key in colours if key.startswith("series")):
            assert contrast_ratio(colours[name], colours[ground]) >= 3, name

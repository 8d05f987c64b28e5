import re
import zipfile
from html.parser import HTMLParser

import pytest
from result_files import STEPS, metrics, report, run, write, write_run

from myoassist.config.report import ReportRun, ReportSettings
from myoassist.errors import InputError
from myoassist.formats.documents import BEST_FORMAT, BEST_VERSION, write_document
from myoassist.formats.files import sha256
from myoassist.report.build import build_report, number


class Page(HTMLParser):
    """Collects what matters of a page: tags with attributes, text, and whether tags match up."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.words, self.open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def make(tmp_path):
    def make(settings: ReportSettings, captions=None) -> Page:
        build_report(settings, root=tmp_path / "results", output=tmp_path / "report.html", captions=captions)
        page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
        assert page.open == []
        return page

    return make


@pytest.fixture
def root(tmp_path):
    return tmp_path / "results"


def test_needs_nothing_beside_itself(make, root):
    write_run(root, run("walk-s1"))
    page = make(report(run("walk-s1")))
    sources = [attributes["src"] for _, attributes in page.tags if "src" in attributes]
    links = [attributes["href"] for _, attributes in page.tags if "href" in attributes]
    assert len(sources) == 5
    assert all(source.startswith(("data:image/png;base64,", "data:video/mp4;base64,")) for source in sources)
    assert all(link.startswith("#") for link in links)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}
    style = (root.parent / "report.html").read_text(encoding="utf-8").split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_every_link_of_the_contents_has_its_section(make, root):
    write_run(root, run("walk-s1"))
    page = make(report(run("walk-s1"), run("walk-s2", seed=2)))
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {attributes["href"][1:] for attributes in page.all("a")} <= anchors
    assert "run-walk-s2" in anchors


def test_pictures_and_videos_have_words_for_those_who_cannot_see_them(make, root):
    write_run(root, run("walk-s1"))
    page = make(report(run("walk-s1")))
    assert all(attributes["alt"] for attributes in page.all("img"))
    assert all(attributes["aria-label"] for attributes in page.all("video"))
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("caption")) == len(page.all("table"))


def test_same_inputs_same_bytes(make, root, tmp_path):
    write_run(root, run("walk-s1"))
    contents = []
    for _ in range(2):
        make(report(run("walk-s1")))
        contents.append((tmp_path / "report.html").read_bytes())
    assert contents[0] == contents[1]


def test_overview_shows_numbers_with_units(make, root):
    write_run(root, run("walk-s1"), untrained=0.1, trained=0.25)
    text = make(report(run("walk-s1"))).text
    for words in ("0.100", "0.250", "0.62", "12.3", "s, median", "m/s", "° RMS", "0 of 1"):
        assert words in text, words


def test_overview_names_few_differences_and_the_runs_section_all(make, root):
    first = {f"training.parameters.p{index}": 1 for index in range(5)}
    for name in ("walk-s1", "stroll-s1"):
        write_run(root, run(name))
    stroll = run("stroll-s1", differences=dict.fromkeys(first, 2))
    text = make(report(run("walk-s1", differences=first), stroll)).text
    assert "parameters.p0: 1 → 2" in text
    assert "parameters.p4: 1 → 2" not in text
    assert "and 2 more" in text
    assert "Differences from walk-s1: 5 fields" in text
    assert "parameters.p4" in text


def test_says_plainly_that_nothing_walks_yet(make, root):
    for name, trained in (("walk-s1", 0.2), ("walk-s2", 0.05)):
        write_run(root, run(name), untrained=0.1, trained=trained)
    text = make(report(run("walk-s1"), run("walk-s2"))).text
    assert "1 of 2 runs end their training with a higher mean reward per step than the untrained policy" in text
    assert "None of these policies walks: every episode ends early, after 0.62 to 0.62 s in the median" in text


def test_does_not_deny_what_walks(make, root):
    entry = run("walk-s1")
    write_run(root, entry)
    write(root / entry.evaluations[0].metrics, metrics(20.0, walks=True))
    text = make(report(entry)).text
    assert "1 of 1 evaluations hold every bound" in text
    assert "None of these" not in text


def test_a_run_that_failed_is_listed_with_the_end_of_its_log(make, root):
    write_run(root, run("walk-s1"))
    failed = run("walk-s2", seed=2)
    write_run(root, failed)
    for path in (failed.train_logs[0], *(getattr(failed.evaluations[0], f) for f in ("rollouts", "metrics", "video"))):
        (root / path).unlink()
    write(root / failed.logs[f"train to {STEPS}"], "starting\n\x1b[31merror: <not fit> for training\x1b[0m\n\n")
    page = make(report(run("walk-s1"), failed))
    text = page.text
    assert "What is missing, and why" in text
    assert "error: <not fit> for training" in text
    assert "\x1b" not in text
    assert f"nothing came of evaluate level at {STEPS}, replay level at {STEPS}, analyze level at {STEPS}" in text
    assert len(page.all("video")) == 1


def test_the_best_checkpoint_is_told_with_its_steps_and_the_reason(make, root):
    entry = run("walk-s1")
    evaluation = entry.evaluations[0].model_copy(update={"steps": "best", "choice": "runs/walk-s1/best.json"})
    entry = entry.model_copy(update={"evaluations": [evaluation]})
    write_run(root, entry)
    text = make(report(entry)).text
    assert "best.json is missing" in text
    assert "Scenario “level” of the best checkpoint" in text
    candidates = [{"steps": steps, "value": steps / 100} for steps in (500, 700)]
    chosen = {"steps": 700, "metric": "reward_per_step", "goal": "highest", "value": 7.0, "candidates": candidates}
    write_document(root / "runs/walk-s1/best.json", BEST_FORMAT, BEST_VERSION, chosen)
    text = make(report(entry)).text
    assert "What is missing" not in text
    assert "Scenario “level” after 700 steps, the best checkpoint" in text
    assert "Of 2 checkpoints the one at which the reward per step was highest: 7, over the second half" in text


def test_a_picture_that_failed_is_its_own_step(make, root):
    entry = run("walk-s1", fitted_reference="retargeted/abc/reference.h5")
    write_run(root, entry)
    (root / "retargeted" / "abc" / "qc.png").unlink()
    text = make(report(entry)).text
    assert "nothing came of train" not in text
    assert "retargeted/abc/reference.h5 is missing" in text
    assert "nothing came of retarget_figure, validate" not in text  # validation is there
    assert "nothing came of retarget_figure" in text
    write(root / "retargeted" / "abc" / "reference.h5", b"fitted")
    text = make(report(entry)).text
    assert "retargeted/abc/qc.png is missing" in text
    assert "nothing came of" not in text


def test_without_any_result_there_is_still_a_report(make, root):
    text = make(report(run("walk-s1"))).text
    assert "No evaluation is available" in text
    assert "models/abc/manifest.json is missing" in text
    assert "figures/learning_curves.png missing" in text


def test_a_complete_matrix_reports_nothing_missing(make, root):
    write_run(root, run("walk-s1"))
    text = make(report(run("walk-s1"))).text
    assert "What is missing" not in text
    assert "incomplete" not in text


@pytest.mark.parametrize(
    ("file", "content"),
    [("metrics", b'{"format": "myoas'), ("metrics", b'{"format": "other"}'), ("video", None), ("figure", b"PNG?")],
)
def test_damage_is_named_and_the_rest_is_shown(make, root, file, content):
    entry = run("walk-s1")
    write_run(root, entry)
    evaluation = entry.evaluations[0]
    path = evaluation.figures[0].path if file == "figure" else getattr(evaluation, file)
    if content is None:
        (root / path).unlink()
    else:
        write(root / path, content)
    text = make(report(entry)).text
    assert f"{path} is damaged" in text or f"{path} is missing" in text
    assert "Runs and their evaluations" in text


def test_names_and_texts_cannot_inject_html(make, root):
    evil = "<script>alert(1)</script>"
    entry = run("walk-s1", differences={evil: evil}, description=evil)
    entry = entry.model_copy(update={"configuration": {"x": evil}, "experiment": evil})
    other = run("walk-s2", differences={evil: "plain"})
    write_run(root, entry)
    write_run(root, other)
    write(root / entry.evaluations[0].metrics, {**metrics(), "summary": evil})
    write(
        root / entry.evaluations[0].figures[0].path.replace("joint_angles.png", "captions.json"),
        {"joint_angles": {"title": evil, "category": evil, "caption": f"{evil} {{{{ 7*7 }}}} .. raw:: html"}},
    )
    page = make(report(entry, other, description=evil))
    assert not page.all("script")
    assert page.text.count("alert(1)") >= 7
    assert "{{ 7*7 }}" in page.text


def test_figures_shared_by_runs_appear_once(make, root):
    for name in ("walk-s1", "walk-s2"):
        write_run(root, run(name))
    page = make(report(run("walk-s1"), run("walk-s2")))
    assert "Used by walk-s1, walk-s2." in page.text
    assert [attributes["alt"] for attributes in page.all("img")].count("Retarget qc") == 1


def test_too_large_a_page_becomes_an_overview_and_an_archive(make, root, tmp_path):
    write_run(root, run("walk-s1"))
    whole = make(report(run("walk-s1")))
    short = make(report(run("walk-s1"), largest_page_mb=0.001))
    assert not short.all("video")
    assert not short.all("img")
    assert "Runs and their evaluations" in short.text
    assert [attributes["href"] for attributes in short.all("a") if "zip" in attributes["href"]] == ["report.zip"]
    ids = {attributes["id"] for tag in ("section", "main") for attributes in short.all(tag) if "id" in attributes}
    links = {attributes["href"].removeprefix("#") for attributes in short.all("a") if "zip" not in attributes["href"]}
    assert links <= ids

    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    folder = tmp_path / "unpacked" / "report"
    inside = Page((folder / "index.html").read_text())
    shown = [attributes["src"] for tag in ("img", "video") for attributes in inside.all(tag)]
    assert len(shown) == len(whole.all("img")) + len(whole.all("video")) > 3
    assert all((folder / source).is_file() for source in shown)
    replay = f"runs/walk-s1/evaluation/{STEPS}/level/replay.mp4"
    assert (folder / "files" / replay).read_bytes() == (root / replay).read_bytes()

    first = (tmp_path / "report.zip").read_bytes()
    make(report(run("walk-s1"), largest_page_mb=0.001))
    assert (tmp_path / "report.zip").read_bytes() == first
    make(report(run("walk-s1")))
    assert not (tmp_path / "report.zip").exists()


def test_provenance_configuration_and_runtimes_are_in_it(make, root):
    write_run(root, run("walk-s1"))
    text = make(report(run("walk-s1"))).text
    for words in ("a" * 64, "c" * 64, "3.11.0", "control_rate_hz", "12.5", "640", "no NaN", "step time"):
        assert words in text, words


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/metrics.json", "runs/../../x", ""])
def test_paths_outside_the_results_are_refused(path):
    with pytest.raises(InputError, match="inside the results folder"):
        ReportRun.parse({"id": "a", "experiment": "b", "seed": 1, "validation": path})


def test_numbers_are_written_for_readers():
    assert number(None) == "\N{EN DASH}"
    assert number(20480) == "20\u00a0480"
    assert number("-0.04567") == "\N{MINUS SIGN}0.0457"
    assert number("n/a") == "n/a"


def test_the_report_module_needs_neither_torch_nor_mujoco():
    import subprocess
    import sys

    code = "import sys, myoassist.report.build; print(sorted({'torch', 'mujoco'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\[\]\s*", result.stdout)


COMPARISONS = (
    "comparison,condition,baseline,group,measure,label,unit,baseline_mean,condition_mean,difference,difference_ci_low,"
    "difference_ci_high,change_percent,change_ci_low_percent,change_ci_high_percent,n,resampled,paired,seeds\n"
    "device_on,on,off,muscles,activation_mean,mean activation,1,0.2,0.15,-0.05,-0.06,-0.04,"
    "-25,-30,-20,20,episode,True,1\n"
    "device_on,on,off,episodes,fall_free_percent,episodes without a fall,%,100,100,0,,,0,,,1,seed,True,1\n"
)


def test_comparisons_are_tables_with_intervals(make, root):
    write_run(root, run("walk-s1"))
    write(root / "study/comparisons.csv", COMPARISONS)
    text = make(report(run("walk-s1"), comparisons="study/comparisons.csv")).text
    assert "device on: on against off" in text
    assert "mean activation 0.2 0.15 \N{MINUS SIGN}0.05 [\N{MINUS SIGN}0.06, \N{MINUS SIGN}0.04]" in text
    assert "20 episodes" in text
    assert "they say nothing about another seed" in text


def test_a_damaged_table_of_comparisons_is_told(make, root):
    write_run(root, run("walk-s1"))
    write(root / "study/comparisons.csv", "comparison,condition\na,b\n")
    text = make(report(run("walk-s1"), comparisons="study/comparisons.csv")).text
    assert "study/comparisons.csv is damaged" in text
    assert "column 'baseline' is missing" in text


def test_a_table_with_another_digit_is_told_and_not_shown(make, root):
    entry = run("walk-s1")
    write_run(root, entry)
    table, numbers = (root / getattr(entry.evaluations[0], name) for name in ("spatiotemporal", "metrics"))
    tables = {"spatiotemporal_sha256": sha256(table)}
    write(numbers, {**metrics(), "tables": tables})
    assert "is damaged" not in make(report(entry)).text
    content = table.read_text()
    digit = re.search("[1-8]", content)
    table.write_text(content[: digit.start()] + "9" + content[digit.end() :])
    text = make(report(entry)).text
    assert f"{entry.evaluations[0].spatiotemporal} is damaged" in text
    assert "SHA-256 differs" in text

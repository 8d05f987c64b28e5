import json
from pathlib import Path

import pytest

from myoassist.errors import InputError
from myoassist.report.captions import Captions, to_html

REPOSITORY = Path(__file__).parents[2]


def write(folder: Path, text: str) -> Captions:
    (folder / "knee.rst").write_text(text, encoding="utf-8")
    return Captions(folder)


def test_title_category_and_text_become_html(tmp_path):
    captions = write(tmp_path, ":title: Knee angle\n:category: Kinematics\n\nIn *degrees*, see table.\n")
    caption = captions.find("knee", tmp_path / "knee.png", {})
    assert (caption.title, caption.category) == ("Knee angle", "Kinematics")
    assert caption.html.strip() == "<p>In <em>degrees</em>, see table.</p>"


def test_variables_are_filled_in_and_stay_text(tmp_path):
    captions = write(tmp_path, "Run {{ run }}, {{ metrics.episodes.count }} episodes{{ metrics.unknown.thing }}.\n")
    variables = {"run": "**a** `b <javascript:x>`_ <i>", "metrics": {"episodes": {"count": 8}}}
    html = captions.find("knee", tmp_path / "knee.png", variables).html
    assert "**a** `b &lt;javascript:x&gt;`_ &lt;i&gt;, 8 episodes." in html
    assert "<a" not in html


def test_text_beside_the_picture_serves_where_there_is_no_file(tmp_path):
    entry = {"title": "Knee", "category": "Kinematics", "caption": "Grey: {norm} ± 1 SD."}
    (tmp_path / "captions.json").write_text(json.dumps({"knee": entry}), encoding="utf-8")
    caption = Captions(None).find("knee", tmp_path / "knee.png", {})
    assert (caption.title, caption.category) == ("Knee", "Kinematics")
    assert "Grey: {norm} ± 1 SD." in caption.html
    other = tmp_path / "texts"
    other.mkdir()
    (other / "knee.rst").write_text("Own words.\n", encoding="utf-8")
    assert "Own words." in Captions(other).find("knee", tmp_path / "knee.png", {}).html


def test_a_figure_without_caption_has_its_name_as_title(tmp_path):
    caption = Captions(None).find("joint_angles", tmp_path / "joint_angles.png", {})
    assert (caption.title, caption.category, caption.html.strip()) == ("Joint angles", "Other", "")


@pytest.mark.parametrize(
    "text", [".. raw:: html\n\n   <script>x</script>\n", ".. include:: /etc/hostname\n", "*open\n"]
)
def test_raw_html_inclusion_and_malformed_text_are_refused(text):
    with pytest.raises(InputError, match="reStructuredText"):
        to_html(text)


def test_a_broken_template_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"knee\.rst"):
        write(tmp_path, "{% if %}\n").find("knee", tmp_path / "knee.png", {})


@pytest.mark.parametrize("path", sorted((REPOSITORY / "workflow/report").glob("*.rst")), ids=lambda path: path.stem)
def test_shipped_captions_are_valid_with_and_without_results(path):
    captions = Captions(path.parent)
    for metrics in ({}, {"episodes": {"count": 8}}):
        caption = captions.find(path.stem, path, {"run": "a", "scenario": "b", "steps": 1, "metrics": metrics})
        assert caption.title
        assert "{{" not in caption.html

"""The figure of metabolic power, and what it says where there is nothing to draw."""

import json

import pytest

from myoassist.analysis.figures.render import render_run
from myoassist.config.figures import FiguresSettings
from myoassist.formats.gait_tables import read_metrics, write_metrics


def draw(analysed, folder, change=lambda found: found, **settings):
    """Draw the figure from metrics whose energetic part was changed; return its caption."""
    metrics = read_metrics(analysed.paths["metrics"])
    write_metrics(folder / "metrics.json", metrics | {"energetics": change(metrics["energetics"])})
    render_run(
        FiguresSettings(dpi=50, run=("energetics",), **settings),
        **(analysed.paths | {"metrics": folder / "metrics.json"}),
        output_dir=folder / "figures",
    )
    assert (folder / "figures" / "energetics.svg").is_file()
    return json.loads((folder / "figures" / "captions.json").read_text())["energetics"]


def test_the_caption_tells_over_what_and_how_to_read_it(walk, tmp_path):
    entry = draw(walk, tmp_path)
    assert (entry["title"], entry["category"]) == ("Metabolic power", "Energetics")
    assert "over 12 gait cycles of the right leg, 1.25 m/s" in entry["caption"]
    assert "Tendons are rigid" in entry["caption"]
    assert "read differences between conditions" in entry["caption"]


def test_a_fall_shows_whole_episodes(fall, tmp_path):
    assert "over 2 whole episodes" in draw(fall, tmp_path, width="single")["caption"]


def test_a_part_below_zero_hangs_below_the_axis(walk, tmp_path):
    def lowered(found):
        numbers = found["models"]["bhargava_2004"]
        numbers["parts_w_kg"] = {"activation": 3.0, "shortening": 0.5, "work": -1.0}
        return found

    draw(walk, tmp_path, lowered)


@pytest.mark.parametrize(
    ("found", "said"),
    [(None, "these metrics do not have it"), ({"over": None, "reason": "no episode has two states"}, "no episode has")],
)
def test_metrics_without_energetics_say_so(walk, tmp_path, found, said):
    assert said in draw(walk, tmp_path, lambda _: found)["caption"]

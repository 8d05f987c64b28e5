"""The two pictures for quality control: drawn from the written files alone, and the same again."""

from __future__ import annotations

import dataclasses

import pytest
from PIL import Image

from myoassist.errors import InputError
from myoassist.formats.reference_motion import write_fitted_reference
from myoassist.reference.preprocess_figure import preprocess_figure
from myoassist.reference.retarget_figure import retarget_figure


def test_the_same_file_gives_the_same_picture(reference_files, tmp_path):
    first, again = tmp_path / "first.png", tmp_path / "again.png"
    for file in (first, again):
        preprocess_figure(reference=reference_files["reference"], figure=file)
    assert first.read_bytes() == again.read_bytes()
    assert len(set(Image.open(first).convert("L").tobytes())) > 50
    for file in (first, again):
        retarget_figure(reference=reference_files["fitted"], manifest=reference_files["manifest"], figure=file)
    assert first.read_bytes() == again.read_bytes()
    assert len(set(Image.open(first).convert("L").tobytes())) > 50


def test_promises_that_the_fit_was_made_with_are_drawn(reference_files, fitted, tmp_path):
    other = tmp_path / "other.h5"
    settings = fitted.settings.replace('"swing_clearance_m":0.01', '"swing_clearance_m":0.005')
    assert settings != fitted.settings
    write_fitted_reference(other, dataclasses.replace(fitted, settings=settings))
    files = {"manifest": reference_files["manifest"]}
    retarget_figure(reference=reference_files["fitted"], **files, figure=tmp_path / "a.png")
    retarget_figure(reference=other, **files, figure=tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_the_body_of_another_fit_is_refused_and_nothing_is_drawn(reference_files, fitted, tmp_path):
    other = tmp_path / "other.h5"
    write_fitted_reference(other, dataclasses.replace(fitted, model_sha256="0" * 64))
    with pytest.raises(InputError, match=r"other\.h5: was fitted to another body"):
        retarget_figure(reference=other, manifest=reference_files["manifest"], figure=tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()

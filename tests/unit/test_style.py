"""Colours of classes and models: contrast as WCAG computes it, and how far apart they stay for the colour-blind."""

import numpy as np
import pytest

from spikegeometry.figures.style import (
    GREY,
    INK,
    OTHER_COLOUR,
    PALETTE,
    class_colours,
    class_markers,
    class_styles,
    model_look,
    model_style,
    note_missing,
    on_dark,
)

WHITE, DARK_PAGE = "#FFFFFF", "#16181c"
# WCAG 2.2, success criterion 1.4.11: parts of graphics.
LEAST_CONTRAST = 3
# In CIE 1976 units; two of Paul Tol's "muted" colours come as near as 15.6 to a protanope.
LEAST_DISTANCE = 20
MODELS = ["finetuned", "pretrained", "random", *(f"seed{n}" for n in range(1, 5))]
BASELINES = ["bert", "kmer_logistic", "nearest_neighbour", "majority"]
# What the colours become on the linear scale: Machado, Oliveira and Fernandes (2009), severity 1.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# From linear sRGB to CIE XYZ under D65 (IEC 61966-2-1).
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour):
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    light, dark = sorted((TO_XYZ[1] @ linear(colour) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb):
    """CIE L*a*b* of a colour on the linear scale."""
    ratios = TO_XYZ @ np.clip(rgb, 0, 1) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), ratios / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def least_distance(colours, vision):
    seen = [lab(np.asarray(VISION[vision]) @ linear(colour)) for colour in colours]
    return min(np.linalg.norm(one - other) for i, one in enumerate(seen) for other in seen[:i])


def test_the_measures_give_what_is_published():
    assert contrast("#000000", WHITE) == pytest.approx(21)
    assert contrast("#767676", WHITE) == pytest.approx(4.54, abs=0.01)
    assert lab(linear("#FF0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.1)
    red_and_green = ["#C81E00", "#648C00"]
    assert least_distance(red_and_green, "protanopia") < least_distance(red_and_green, "normal") / 2


@pytest.mark.parametrize("colour", [*PALETTE, INK, GREY])
def test_contrast_on_white_and_on_dark_pages(colour):
    assert contrast(colour, WHITE) >= LEAST_CONTRAST
    assert contrast(on_dark(colour), DARK_PAGE) >= LEAST_CONTRAST
    assert contrast(on_dark(colour), WHITE) < contrast(colour, WHITE)


@pytest.mark.parametrize("vision", VISION)
def test_classes_are_told_apart_by_colour(vision):
    colours = list(class_colours([f"c{i}" for i in range(9)]).values())
    assert len(set(colours)) == 10
    nine = [colour for colour in colours if colour != OTHER_COLOUR]
    assert least_distance(nine, vision) >= LEAST_DISTANCE
    assert least_distance(list(map(on_dark, nine)), vision) >= LEAST_DISTANCE


@pytest.mark.parametrize("vision", VISION)
def test_models_are_told_apart_by_colour(vision):
    for names in (MODELS, BASELINES):
        looks = [model_look(name) for name in names]
        for colours in ([look.light for look in looks], [look.dark for look in looks]):
            assert least_distance(colours, vision) >= 15


def test_colour_is_never_the_only_difference():
    classes = [f"c{i}" for i in range(30)]
    colours, markers = class_colours(classes), class_markers(classes)
    assert len({(colours[name], markers[name]) for name in classes}) == 30
    assert class_styles(classes)["c4"] == {"color": colours["c4"], "marker": markers["c4"], "markersize": 4}
    assert len({model_look(name).marker for name in MODELS}) == len(MODELS)


def test_a_model_has_one_name():
    assert [model_look(name).name for name in ("finetuned", "pretrained", "random", "seed12")] == [
        "fine-tuned",
        "pre-trained",
        "untrained",
        "seed 12",
    ]
    assert model_look("bert") == model_look("finetuned")
    assert model_look("my own").name == "my own"
    assert model_style("random") == {"color": model_look("random").light, "marker": model_look("random").marker}


def test_missing_classes_are_named_or_counted():
    assert note_missing(["a", "b"], ["b", "a"]) == ""
    assert note_missing(["a", "b"], ["b"]) == "; no sequence of a"
    many = [f"class{i}" for i in range(9)]
    assert note_missing(many, many[:1], "no row for") == "; no row for 8 of 9 classes"
    assert note_missing(["a" * 200], []) == "; no sequence of 1 of 1 classes"

"""Weights and multiply-adds are those that the papers count."""

import pytest

from workshop_utils.core.tensorflow import keras
from workshop_utils.model import architectures
from workshop_utils.teaching import costs


def test_the_cost_of_a_plain_and_of_a_separable_convolution_follows_the_papers_formulas():
    """Howard et al. 2017, section 3.1: D_K^2 M N D_F^2 against D_K^2 M D_F^2 + M N D_F^2."""
    image = keras.Input((20, 30, 8))
    x = keras.layers.Conv2D(16, 3, padding="same", name="plain")(image)
    x = keras.layers.DepthwiseConv2D(3, 2, padding="same", name="separable_depthwise")(x)
    model = keras.Model(image, keras.layers.Conv2D(5, 1, name="separable_pointwise")(x))
    assert costs.of_convolutions(model, "plain") == (9 * 8 * 16, 9 * 8 * 16 * 600)
    assert costs.of_convolutions(model, "separable_.*") == (9 * 16 + 16 * 5, (9 * 16 + 16 * 5) * 150)
    parts = (costs.of_convolutions(model, each) for each in ("plain", "separable_.*"))
    assert costs.of_convolutions(model) == tuple(map(sum, zip(*parts)))


def test_mobilenet_v1s_backbone_costs_what_its_paper_says():
    """Table 8: 569 million multiply-adds and 4.2 million weights at 224 pixels, with the classifier's 1000 * 1025."""
    found = costs.of_convolutions(architectures.get("ssd_mobilenet_v1").build(1), costs.BACKBONE)
    assert found.weights + 1_025_000 == pytest.approx(4.2e6, rel=0.02)
    assert found.multiply_adds * (224 / 300) ** 2 == pytest.approx(569e6, rel=0.06), "300 is rounded up to 19 cells"

"""The scale factor of one process: values and ceilings by hand."""

import numpy as np
import pytest

from deepsf.config.mismodelling import Departure
from deepsf.generator.discriminant import DEEPCSV, DEEPJET, quantile
from deepsf.generator.process_scale_factor import of_process


class Steps:
    """1.4 for b jets above 0.5, 0.8 below, 1 for others."""

    label = "sf.json, correction 'sf'"
    ceilings = np.array([1.4, 1.0, 1.0])

    def evaluate(self, hadron_flavour, abseta, pt_gev, discriminant):
        return np.where(np.asarray(hadron_flavour) == 5, np.where(discriminant > 0.5, 1.4, 0.8), 1.0)


def test_no_slope_leaves_the_scale_factor_as_it_is():
    injected = Steps()
    assert of_process(injected, DEEPJET, {}) is injected
    assert of_process(injected, DEEPJET, {"b": Departure(rate=0.5)}) is injected


def test_slope_by_hand():
    tilted = of_process(Steps(), DEEPCSV, {"b": Departure(score_slope=0.3), "udsg": Departure(score_slope=-0.2)})
    flavour, pt, abseta = np.array([5, 5, 0, 0, 4, 0]), np.full(6, 70.0), np.full(6, 1.8)
    # median, 84.13 % quantile (one sigma), and so on
    normal = np.array([0.0, 1.0, 0.0, -1.0, 1.0, 0.0])
    score = quantile(DEEPCSV, flavour, pt, abseta, normal)
    score[5] = -1.0
    untilted = Steps().evaluate(flavour, abseta, pt, score)
    # 2 x 0.841345 - 1 = 0.68269: 1 + 0.3 x 0.68269 = 1.204807, 1 + 0.2 x 0.68269 = 1.136538
    expected = untilted * np.array([1.0, 1.204807, 1.0, 1.136538, 1.0, 1.0])
    assert tilted.evaluate(flavour, abseta, pt, score) == pytest.approx(expected, rel=1e-5)
    # b: 1.4 x 1.3, c as it was, udsg 1 x 1.2
    assert tilted.ceilings == pytest.approx([1.82, 1.0, 1.2])
    assert tilted.label == Steps.label


@pytest.mark.parametrize("slope", [-0.9, 0.9])
def test_no_value_exceeds_the_ceiling_or_vanishes(slope):
    tilted = of_process(Steps(), DEEPJET, {"b": Departure(score_slope=slope)})
    score = np.concatenate([np.linspace(1e-7, 1 - 1e-7, 2000), [-2.0, -1.0, 0.0]])
    n = len(score)
    values = tilted.evaluate(np.full(n, 5), np.full(n, 0.5), np.full(n, 60.0), score)
    assert values.max() <= tilted.ceilings[0]
    assert values.min() > 0.05

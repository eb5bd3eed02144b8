"""What is drawn of the histograms of phase spaces, by hand."""

from __future__ import annotations

import numpy as np

from deepsf.audit.phase_space.content import content
from tests.analysis.audit.phase_space.flat_histograms import histograms


def test_content_of_a_jets_discriminant_by_hand():
    found = content(histograms(), "second", "emu", (2, 3))
    # two numbers of jets: 2 x 160 without, times 1.25 with binned scale factors; 2 x 8 x 2 flavours of variance
    np.testing.assert_allclose(found.by_flavour["b"], [200.0] * 4)
    np.testing.assert_allclose(found.by_flavour["udsg"], [120.0] * 4)
    np.testing.assert_allclose(found.simulation["none"], 320.0)
    np.testing.assert_allclose(found.simulation["binned"], 400.0)
    np.testing.assert_allclose(found.error["binned"], np.sqrt(32.0))
    # 2 x 200 events in data
    np.testing.assert_allclose(found.data, 400.0)
    np.testing.assert_allclose(found.data_error, 20.0)
    # shifts 2 x 230 and 2 x 190 around 400
    np.testing.assert_allclose(found.shifts.up, 60.0)
    np.testing.assert_allclose(found.shifts.down, 20.0)


def test_channels_and_bins_of_ht_are_summed_by_hand():
    found = content(histograms(), "n_jets", "all", (3, 8))
    # three channels, three bins of HT
    np.testing.assert_allclose(found.simulation["none"], np.full(6, 160.0 * 9))
    np.testing.assert_allclose(content(histograms(), "ht", "ee", (2, 2)).data, [200.0] * 3)


def test_without_shifts_there_is_no_envelope():
    assert content(histograms(()), "ht", "ee", (2, 2)).shifts is None

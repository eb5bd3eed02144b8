"""Raw energies by hand."""

import numpy as np
import pytest

from deepsf.generator.jet_response import raw_factor


def test_raw_energy_by_hand():
    # 100 GeV at eta 0.5: (100 - 0.8) * 0.95 = 94.24 GeV seen, 0.3 * 20 * 0.5 = 3 GeV of pile-up: raw 97.24 GeV;
    # in data, which respond 0.5 % less, (100 / 1.005 - 0.8) * 0.95 + 3 = 96.767 GeV
    arrays = [np.array([value]) for value in (100.0, 0.5, 0.5, 20.0)]
    assert raw_factor(*arrays, is_data=False)[0] == pytest.approx(0.0276)
    assert raw_factor(*arrays, is_data=True)[0] == pytest.approx(0.0323264, abs=1e-6)

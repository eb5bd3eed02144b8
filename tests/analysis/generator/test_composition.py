"""The composition survives its file."""

import numpy as np
import pytest

from deepsf.generator.composition import Composition


def test_composition_survives_json():
    composition = Composition(0.9, 0.0, 0.05, 0.1, 0.85, 0.88)
    assert Composition.from_json(composition.to_json()) == composition
    assert "NaN" not in Composition().to_json()
    assert np.isnan(Composition.from_json(Composition().to_json()).purity_hf)
    with pytest.raises(ValueError, match="a composition has exactly the keys"):
        Composition.from_json('{"ttbar_radiation_kept": 1.0}')

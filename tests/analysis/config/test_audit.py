"""Audit: errors by bootstrap need two of them."""

import pytest

from deepsf.config.audit import Audit


@pytest.mark.parametrize("change", [{"n_bootstrap": 1}, {"n_jets": 0}, {"classifier_passes": 0.0}])
def test_sizes_that_give_no_error_or_no_value_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Audit(**change)

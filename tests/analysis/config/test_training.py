"""Training: inputs are columns of jets, values that cannot train are refused."""

import pytest

from deepsf.config.training import Ensemble, Training


def test_an_input_that_no_column_provides_is_refused(tree, message):
    tree["training"] = {"inputs": {"pt": {"transform": "log"}, "n_constituents": {}}}
    assert "training.inputs.n_constituents: not one of ['pt', 'abseta', 'discriminant']" in message(tree)


@pytest.mark.parametrize(
    ("name", "words"), [("pt", "no jet lacks it"), ("discriminant", "values below 0 and NaN are invalid already")]
)
def test_only_further_inputs_have_a_rule_for_invalid_values(tree, message, name, words):
    tree["training"] = {"inputs": {name: {"invalid_below": 0.0}}}
    assert f"training.inputs.{name}.invalid_below: {words}; leave it out" in message(tree)


def test_a_schedule_of_an_old_name_is_told_what_is_allowed(tree, message):
    tree["training"] = {"schedule": "talk"}
    assert "training.schedule: Input should be 'interleaved' or 'alternating' (got 'talk')" in message(tree)


@pytest.mark.parametrize(
    ("key", "value"), [("layers", 0), ("batch_size", 1), ("validation_fraction", 1.0), ("passes", 0)]
)
def test_values_that_cannot_train_are_refused(key, value):
    with pytest.raises(ValueError, match=key):
        Training(**{key: value})


def test_an_ensemble_has_a_spread():
    with pytest.raises(ValueError, match="n_members"):
        Ensemble(n_members=1)

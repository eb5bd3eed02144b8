"""Network inputs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deepsf.config.training import Variable
from deepsf.networks.jet_inputs import InputScaling
from deepsf.probes.entries import Jets

VARIABLES = {"pt": Variable(transform="log"), "discriminant": Variable(transform="logit")}


def jets(pt, score, **extra):
    pt, score = np.array(pt, np.float32), np.array(score, np.float32)
    return Jets(
        pt, np.ones_like(pt), score, np.zeros(len(pt), np.int8), {k: np.array(v, np.float32) for k, v in extra.items()}
    )


def test_inputs_have_zero_mean_and_unit_width_on_what_they_were_fitted_to():
    sample = jets([20, 40, 80], [0.2, 0.5, 0.8])
    features = InputScaling.fit(VARIABLES, [sample]).features(sample).numpy()
    # log pT is 20 x (1, 2, 4): standardised to -sqrt(3/2), 0, sqrt(3/2); the logits are symmetric too
    expected = np.sqrt(1.5) * np.array([-1, 0, 1])
    np.testing.assert_allclose(features[:, 0], expected, atol=1e-5)
    np.testing.assert_allclose(features[:, 1], expected, atol=1e-5)
    np.testing.assert_array_equal(features[:, 2], 0)


def test_invalid_scores_are_flagged_and_do_not_shift_the_scaling():
    scaling = InputScaling.fit(VARIABLES, [jets([20, 40, 80, 40], [0.2, 0.5, 0.8, -1])])
    assert scaling.mean[1] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(scaling.features(jets([40], [-1])).numpy(), [[0, 0, 2]], atol=1e-5)


def test_values_beyond_the_fitted_range_are_clipped_to_it():
    scaling = InputScaling.fit(VARIABLES, [jets([20, 40, 80], [0.2, 0.5, 0.8])])
    inside, beyond = scaling.features(jets([80, 20], [0.8, 0.2])), scaling.features(jets([800, 2], [0.999, 0.0]))
    np.testing.assert_array_equal(inside, beyond)


def test_scaling_survives_its_file_form():
    scaling = InputScaling.fit(VARIABLES, [jets([20, 40, 80], [0.2, 0.5, 0.8])])
    sample = jets([33], [0.6])
    np.testing.assert_array_equal(InputScaling.from_json(scaling.to_json()).features(sample), scaling.features(sample))


def test_further_columns_are_inputs_by_name():
    sample = jets([20, 40], [0.2, 0.5], n_constituents=[10, 30])
    features = InputScaling.fit({"n_constituents": Variable()}, [sample]).features(sample)
    np.testing.assert_allclose(features[:, 0], [-1, 1])


LIMITED = {**VARIABLES, "n_pv": Variable(transform="log", invalid_below=0.0)}


def test_invalid_values_of_a_further_input_are_a_flag_as_invalid_scores_are():
    sample = jets([20, 40, 80, 40, 40], [0.2, 0.5, 0.8, -1, 0.5], n_pv=[10, 20, 40, -1, np.nan])
    scaling = InputScaling.fit(LIMITED, [sample])
    assert scaling.columns == ("pt", "discriminant", "n_pv", "is_invalid", "n_pv is_invalid")
    features = scaling.features(sample).numpy()
    # 10 x (1, 2, 4): neither -1 nor NaN moves the scaling
    np.testing.assert_allclose(features[:, 2], [-np.sqrt(1.5), 0, np.sqrt(1.5), 0, 0], atol=1e-5)
    np.testing.assert_array_equal(features[:, 3:], [[0, 0], [0, 0], [0, 0], [2, 2], [0, 2]])
    again = InputScaling.from_json(json.loads(json.dumps(scaling.to_json())))
    np.testing.assert_array_equal(again.features(sample), features)


def test_files_of_inputs_without_limits_are_as_they_were():
    stored = InputScaling.fit(VARIABLES, [jets([20, 40], [0.2, 0.5])]).to_json()
    assert "invalid_below" not in stored
    assert InputScaling.from_json(stored).limits == {}
    with pytest.raises(ValueError, match="has not one number for each"):
        InputScaling.from_json(stored | {"invalid_below": [0.0]})


def test_values_beyond_the_range_are_told_from_those_within_and_invalid_ones():
    scaling = InputScaling.fit(LIMITED, [jets([20, 40, 80], [0.2, 0.5, 0.8], n_pv=[10, 20, 40])])
    at = jets([20, 80, 90, 19], [0.2, 0.8, -1, 0.9], n_pv=[10, 41, -1, np.nan])
    assert scaling.is_beyond("pt", at).tolist() == [False, False, True, True]
    assert scaling.is_beyond("discriminant", at).tolist() == [False, False, False, True]
    assert scaling.is_beyond("n_pv", at).tolist() == [False, True, False, False]
    assert scaling.is_valid("n_pv", at).tolist() == [True, True, False, False]


def test_medians_are_those_of_valid_values_of_further_inputs():
    sample = jets([20, 40, 80], [0.2, 0.5, 0.8], n_pv=[10, 20, -1], other=[np.nan, 1, 2])
    scaling = InputScaling.fit(LIMITED, [sample])
    assert scaling.further_medians(sample) == {"n_pv": 15.0}
    with pytest.raises(ValueError, match="none of 1 jets has a valid value of n_pv"):
        scaling.further_medians(sample[[2]])


def test_an_input_that_no_jet_has_is_an_error():
    with pytest.raises(ValueError, match=r"training\.inputs\.n_pv: no jet has a valid value"):
        InputScaling.fit(LIMITED, [jets([20, 40], [0.2, 0.5], n_pv=[-1, -1])])


def test_a_transform_that_does_not_fit_the_values_is_an_error():
    with pytest.raises(ValueError, match=r"training\.inputs\.pt: 1 of 2 values are not finite after transform log"):
        InputScaling.fit(VARIABLES, [jets([0, 40], [0.2, 0.5])])


def test_a_constant_input_is_an_error():
    with pytest.raises(ValueError, match=r"training\.inputs\.pt: takes the one value"):
        InputScaling.fit(VARIABLES, [jets([40, 40], [0.2, 0.5])])


def test_an_unknown_column_names_those_there_are():
    with pytest.raises(KeyError, match="no column 'n_pv'"):
        InputScaling.fit({"n_pv": Variable()}, [jets([40, 50], [0.2, 0.5])])

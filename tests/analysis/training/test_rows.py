"""Flat examples: every row with a weight is seen once a pass, and what cannot be trained on is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepsf.training import rows
from deepsf.training.rows import Rows


def test_every_row_with_a_weight_is_in_one_batch_of_a_pass():
    weight = np.ones(1003)
    weight[::10] = 0
    held_out = np.zeros(1003, bool)
    held_out[:50] = True
    batches = Rows(torch.arange(1003.0)[:, None], torch.arange(1003) % 2, weight, 100, validation=held_out)
    generator, passes = torch.Generator().manual_seed(1), []
    for _ in range(2):
        batches.shuffle(generator)
        found = [batches.batch(number).inputs[:, 0].int().tolist() for number in range(batches.per_pass)]
        assert {len(batch) for batch in found} <= {95, 96}
        passes.append([row for batch in found for row in batch])
    expected = np.flatnonzero(~held_out & (weight > 0)).tolist()
    assert sorted(passes[0]) == sorted(passes[1]) == expected
    assert passes[0] != passes[1]
    (validation,) = batches.validation()
    assert validation.inputs[:, 0].int().tolist() == np.flatnonzero(held_out & (weight > 0)).tolist()


def test_the_sum_of_weights_is_of_absolute_values_of_rows_to_train_on():
    weight, held_out = np.array([1.0, -2.0, 0.5, 4.0]), np.array([False, False, False, True])
    batches = Rows(torch.ones(4, 1), torch.tensor([0, 1, 0, 1]), weight, 10, validation=held_out)
    assert batches.sum_abs_weight == 3.5


def test_without_rows_held_out_there_is_no_validation():
    assert list(Rows(torch.ones(2, 1), torch.tensor([0, 1]), np.ones(2), 10).validation()) == []


def test_validation_is_of_so_many_rows_at_most(monkeypatch):
    monkeypatch.setattr(rows, "VALIDATION_MAX", 3)
    held_out = np.arange(20) >= 8
    batches = Rows(torch.arange(20.0)[:, None], torch.arange(20) % 2, np.ones(20), 10, validation=held_out)
    (validation,) = batches.validation()
    assert validation.inputs[:, 0].tolist() == [8, 9, 10]


def test_a_batch_is_described_by_the_ranges_of_its_features():
    features = torch.tensor([[1.0, 0.25], [3.0, -0.5]])
    named, unnamed = (
        Rows(features, torch.tensor([0, 1]), np.ones(2), 10, names=names) for names in (("pt", "eta"), ())
    )
    for batches in (named, unnamed):
        batches.shuffle(torch.Generator().manual_seed(1))
    assert named.describe(named.batch(0)) == "pt [1, 3], eta [-0.5, 0.25]"
    assert unnamed.describe(unnamed.batch(0)) == "feature 0 [1, 3], feature 1 [-0.5, 0.25]"


def test_rows_that_cannot_be_trained_on_are_refused():
    label, weight, features = torch.tensor([0, 1, 1]), np.ones(3), torch.ones(3, 1)
    with pytest.raises(ValueError, match=r"differ in length.*'features': 2"):
        Rows(features[:2], label, weight, 10)
    with pytest.raises(ValueError, match="weight of 1 of 3 rows are not finite"):
        Rows(features, label, np.array([1, np.nan, 1]), 10)
    with pytest.raises(ValueError, match="features of 3 of 3 rows are not finite"):
        Rows(features / 0, label, weight, 10)
    with pytest.raises(ValueError, match="two classes or more"):
        Rows(features, label, np.array([0.0, 1, 1]), 10)

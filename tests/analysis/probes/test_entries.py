"""Jets and entries as columns."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from deepsf.probes.entries import Jets, evenly, joined_jets, logit
from tests.analysis.probes.skims import FLAVOURS, tables_in


def jets(pt, **extra):
    pt = np.array(pt, np.float32)
    columns = {name: np.array(values, np.float32) for name, values in extra.items()}
    return Jets(pt, 0.1 * pt, 0.01 * pt, np.zeros(len(pt), np.int8), columns)


def read(folder, name, prefix, **changes):
    path = folder / name
    return tables_in(folder, **changes).jets(pq.read_table(path), path, prefix)


def test_flavours_are_indices_of_the_configuration_and_data_have_none(skims):
    np.testing.assert_array_equal(read(skims, "a.parquet", "probe_").flavour, [0, 1])
    np.testing.assert_array_equal(read(skims, "b.parquet", "tag_").flavour, [1])
    np.testing.assert_array_equal(read(skims, "c.parquet", "probe_").flavour, [-1])


def test_an_unknown_hadron_flavour_names_file_and_code(skims):
    message = r"a\.parquet: hadron flavours 0 \(1 jets\) belong to none of the flavours {'b': \(5,\)}; add them to one"
    with pytest.raises(ValueError, match=message):
        read(skims, "a.parquet", "probe_", flavours={"b": FLAVOURS["b"]})


def test_columns_have_the_names_of_input_variables():
    sample = jets([30, 50], width=[1, 2])
    for name, values in {"pt": [30, 50], "abseta": [3, 5], "discriminant": [0.3, 0.5], "width": [1, 2]}.items():
        np.testing.assert_allclose(sample.column(name), values)
    with pytest.raises(KeyError, match=r"no column 'qgl'; there are \['pt', 'abseta', 'discriminant', 'width'\]"):
        sample.column("qgl")


def test_parts_are_joined_with_their_extra_columns():
    both = joined_jets([jets([30], width=[1]), jets([50, 60], width=[2, 3])])
    np.testing.assert_array_equal(both.pt_gev, [30, 50, 60])
    np.testing.assert_array_equal(both[np.array([2, 0])].extra["width"], [3, 1])


def test_some_numbers_are_taken_evenly_and_few_are_all_taken():
    np.testing.assert_array_equal(evenly(np.arange(10, 111), 6), [10, 30, 50, 70, 90, 110])
    np.testing.assert_array_equal(evenly(np.arange(4), 6), np.arange(4))


def test_the_logit_is_finite_at_both_ends():
    np.testing.assert_allclose(logit([0.5, 0.75]), [0.0, np.log(3.0)])
    np.testing.assert_allclose(logit([0.0, 1.0]), np.log(9999.0) * np.array([-1, 1]))


def test_no_score_below_one_is_clipped_as_nanoaod_keeps_it_and_one_lies_beside_the_others():
    # ten bits of mantissa: multiples of 1/2048 from 0.5 on
    kept = 1 - np.arange(1, 5) / 2048
    np.testing.assert_allclose(logit(kept), np.log(kept / (1 - kept)))
    above, highest, next_to_it = logit([1.0, *kept[:2]])
    assert highest - next_to_it < above - highest < 3 * (highest - next_to_it)

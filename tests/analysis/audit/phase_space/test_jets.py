"""Reading the table of all jets event by event."""

from __future__ import annotations

import numpy as np
import pytest

from deepsf.audit.phase_space.jets import JetFile
from tests.analysis.audit.phase_space.jet_tables import tables_in, write_jets


def read(path, factor=1.0, shift="nominal"):
    return JetFile(path, tables_in(path.parent)).events(factor, shift)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ttbar_jets.parquet"


EVENTS = {"channel": [0, 2], "weight": [2.0, -1.0], "score": [0.1, 0.2, 0.9, 0.8, -1], "flavour": [5, 0, 5, 4, 0]}


def test_events_and_ranks_follow_the_rows(path):
    write_jets(path, "ttbar", [2, 3], **EVENTS)
    events = read(path, 0.5)
    np.testing.assert_array_equal(events.n_jets, [2, 3])
    np.testing.assert_array_equal(events.weight, [1.0, -0.5])
    np.testing.assert_array_equal(events.channel, [0, 2])
    np.testing.assert_array_equal(events.ht_gev, [180, 240])
    np.testing.assert_array_equal(events.event, [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(events.rank, [0, 1, 0, 1, 2])
    np.testing.assert_array_equal(events.jets.flavour, [0, 2, 0, 1, 2])


def test_the_product_is_over_all_jets_of_an_event(path):
    write_jets(path, "ttbar", [2, 3], **EVENTS)
    np.testing.assert_allclose(read(path).product(np.array([2.0, 3.0, 0.5, 0.5, 4.0])), [6.0, 1.0])


def test_rows_in_another_order_give_the_same_events(path, tmp_path):
    import pyarrow.parquet as pq

    write_jets(path, "ttbar", [2, 3], **EVENTS)
    table = pq.read_table(path)
    pq.write_table(table.take([4, 1, 2, 0, 3]), tmp_path / "shuffled.parquet")
    first, second = read(path), read(tmp_path / "shuffled.parquet")
    np.testing.assert_array_equal(first.jets.discriminant, second.jets.discriminant)
    np.testing.assert_array_equal(first.weight, second.weight)


def test_a_kinematic_shift_has_its_rows_and_a_weight_shift_its_weights(path):
    # the same event nominal and with JES up, where a third jet passes the cut
    import pyarrow as pa
    import pyarrow.parquet as pq

    metadata = {"kinematic_shifts": ["nominal", "jes_up"], "weight_shifts": ["pileup_up"]}
    for number, n_jets in enumerate((2, 3)):
        write_jets(
            path.with_name(f"{number}.parquet"),
            "ttbar",
            [n_jets],
            channel=[0],
            weight=[2.0],
            score=[0.5] * n_jets,
            flavour=[5] * n_jets,
            metadata=metadata,
            shift=np.full(n_jets, number, np.int8),
            weight_pileup_up=np.full(n_jets, 1.5 if number == 0 else 1.0, np.float32),
        )
    parts = [pq.read_table(path.with_name(f"{number}.parquet")) for number in (0, 1)]
    pq.write_table(pa.concat_tables(parts), path)
    assert read(path).n_jets.tolist() == [2]
    assert read(path, shift="jes_up").n_jets.tolist() == [3]
    assert read(path, shift="jes_up").weight.tolist() == [2.0]
    assert read(path, shift="pileup_up").weight.tolist() == [3.0]
    assert read(path, shift="lf_up").weight.tolist() == [2.0]
    file = JetFile(path, tables_in(path.parent))
    owning = [shift for shift in ("nominal", "jes_up", "pileup_up", "lf_up") if file.has_own_events(shift)]
    assert owning == ["jes_up", "pileup_up"]


def test_a_file_without_events_has_none(path):
    write_jets(path, "data", [], channel=[], weight=[], score=[], flavour=[])
    events = read(path)
    assert len(events) == 0
    assert events.product(np.empty(0)).shape == (0,)

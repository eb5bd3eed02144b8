"""Names of the audit's rows: what a campaign has, and what it has not."""

from __future__ import annotations

import math
import re

import pytest

from deepsf.config import load
from deepsf.config.efficiency.audit_rows import NEEDS, ROWS, SEVERAL_POINTS, row_names
from tests.analysis.config.efficiency.conftest import CONFIGS


def names(**changes):
    given = {
        "flavours": ["b", "l"],
        "networks": ["gnn"],
        "working_points": ["M"],
        "present": ["toy"],
        "processes": ["zz"],
        "tags": ["at_least_2"],
    }
    return row_names(**{**given, **changes})


def test_placeholders_are_filled_with_flavours_pairs_and_models():
    found = set(names(networks=["gnn", "pairwise"]))
    models = ("map", "map_delta_r", "gnn", "pairwise")
    assert {f"deviation.{model}.{flavour}" for model in models for flavour in ("b", "l")} <= found
    assert {f"coverage.with_v_eff.{category}" for category in ("all", "b_b", "b_l", "l_l")} <= found
    assert "cross_entropy.gap_closed.map_delta_r" in found
    assert "cross_entropy.gap_closed.map" not in found
    assert "coverage.with_v_eff.l_b" not in found


@pytest.mark.parametrize("need", sorted(NEEDS))
def test_rows_are_there_only_if_the_campaign_has_what_they_need(need):
    others = names(present=NEEDS - {need})
    patterns = {pattern for pattern, kind in ROWS.items() if need in kind.needs}
    assert patterns
    everything = names(present=NEEDS)
    assert len(others) < len(everything)
    assert {kind.meaning for pattern, kind in ROWS.items() if pattern not in patterns} == set(others.values())


def test_several_working_points_have_rows_each():
    found = names(working_points=["L", "T"], present=["toy", SEVERAL_POINTS])
    assert {"working_points.deviation.l.T", "working_points.monotone"} <= found.keys()
    assert "working_points.sum_of_bins" not in found


def test_yields_with_scale_factors_have_rows_for_each_number_of_tags(loaded):
    assert not [name for name in loaded("efficiency_small").efficiency.row_names(["b"]) if ".yields." in name]
    scale_factors = {"file": "sf.json", "names": ["deepJet_comb"]}
    truth_tagging = {"exactly": [1], "at_least": [2], "scale_factors": scale_factors}
    found = loaded("efficiency_small", truth_tagging=truth_tagging).efficiency.row_names(["b"])
    expected = {
        f"truth_tagging.yields.{tags}.{route}{end}"
        for tags in ("exactly_1", "at_least_2")
        for route in ("without", "drawn", "corrected")
        for end in ("", ".pull")
    }
    assert {name for name in found if ".yields." in name} == expected


def test_no_two_rows_have_one_name():
    sizes = {"flavour": 2, "pair": 3, "category": 4, "model": 3, "not_map": 2, "network": 1, "ensemble": 1}
    sizes |= {"process": 1, "working_point": 1, "region": 2, "variable": 5, "selection": 3, "tags": 1, "route": 3}
    expected = sum(math.prod(sizes[key] for key in re.findall(r"{(\w+)}", pattern)) for pattern in ROWS)
    assert len(names(present=NEEDS)) == expected


@pytest.mark.parametrize(
    ("base", "there", "absent"),
    [
        ("efficiency_toy", "working_points.deviation.b.L", "working_points.deviation.b.X"),
        ("efficiency_small", "working_points.deviation.b.L", "working_points.sum_of_bins"),
        ("efficiency_2004_02665", "deviation.gnn_2004_02665.b", "deviation.other.b"),
        ("efficiency_nanoaod", "working_points.monotone", "deviation.gnn.b"),
    ],
)
def test_rows_of_the_shipped_campaigns(base, there, absent):
    config = load(CONFIGS / f"{base}.yaml")
    found = config.efficiency.row_names(config.flavours)
    assert there in found
    assert absent not in found

"""Limits of the audit's rows: what is refused before anything is trained, and what the shipped campaigns ask for."""

from __future__ import annotations

import pytest

from deepsf.config import load
from tests.analysis.config.efficiency.conftest import CONFIGS

TOY, SKIMS = "efficiency_toy", "toy_small"


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (
            {"deviation.gnn.b": [2.0, 1.0]},
            "limits.deviation.gnn.b = [2, 1]: no value can pass; the lower end comes first",
        ),
        ({"deviation.gnn.b": [None, None]}, "limits.deviation.gnn.b = [null, null]: an interval that is open at both"),
        (
            {"closure.deltar.2tag.chi2": 2},
            "closure.deltar.2tag.chi2: no row is called that; did you mean 'closure.delta_r.",
        ),
        ({"deviation.gnn.bb": None}, "deviation.gnn.bb: no row is called that; did you mean 'deviation.gnn.b'?"),
        ({"5.b": 2.0}, "efficiency.audit.limits.5.b: no row is called that; names begin with calibration, closure, "),
        ({"deviation.gnn.gluon": 2.0}, "efficiency.audit.limits.deviation.gnn.gluon: no row is called that"),
        ({"deviation.gnn_2004_02665.b": 2.0}, "deviation.gnn_2004_02665.b: this campaign has no such row; leave"),
    ],
)
def test_limits_that_no_row_can_have_or_meet_are_refused_with_their_key(message, limits, expected):
    assert expected in message(TOY, audit={"limits": limits})


@pytest.mark.parametrize(
    "name",
    ["deviation.gnn.b", "spread.rms_ratio.b", "coverage.with_v_eff.all", "ratio.tilt", "hidden_variable.deviation.b"],
)
def test_rows_that_need_a_toy_have_no_limits_on_skims(message, name):
    assert f"limits.{name}: this campaign has no such row" in message(SKIMS, audit={"limits": {name: 1.0}})


def test_limits_on_skims_are_of_rows_without_truth(loaded):
    limits = {"closure.delta_r.1tag.chi2": 2.0, "correlation.significance.gnn": 4.0, "export.onnx": 1e-5}
    assert loaded(SKIMS, audit={"limits": limits}).efficiency.audit.limits == limits
    assert loaded(SKIMS).efficiency.audit.limits == {}


def test_null_takes_a_limit_of_an_extended_file_away(loaded, message):
    assert "limits.ratio.tilt: this campaign has no such row" in message(TOY, ratio=None)
    rows = (
        "tilt",
        "unitarity",
        *(f"{what}.{flavour}" for what in ("deviation", "slope") for flavour in ("b", "c", "udsg")),
    )
    without = loaded(TOY, ratio=None, audit={"limits": dict.fromkeys([f"ratio.{row}" for row in rows])})
    assert without.efficiency.audit.limits["ratio.tilt"] is None
    assert without.efficiency.audit.limits["deviation.gnn.b"] == 1.2
    assert loaded(TOY, ratio=None, audit={"limits": None}).efficiency.audit.limits is None


@pytest.mark.parametrize(
    ("base", "n_limits", "limits"),
    [
        ("efficiency_toy", 129, {"deviation.gnn.b": 1.2, "closure.delta_r.2tag.chi2_map": (50.0, None)}),
        ("efficiency_2004_02665", 129, {"symmetry.phi_rotation": 1e-5}),
        (
            "efficiency_short",
            127,
            {"deviation.gnn.b": 0.9, "spread.pull_mean.udsg": None, "gain.truth.2tag": (2.56, 2.72)},
        ),
        ("efficiency_small", 0, {}),
        ("efficiency_nanoaod", 0, {}),
    ],
)
def test_limits_of_the_shipped_campaigns(base, n_limits, limits):
    given = load(CONFIGS / f"{base}.yaml").efficiency.audit.limits or {}
    assert sum(limit is not None for limit in given.values()) == n_limits
    assert limits.items() <= given.items()

"""Paths fire by the legs in their names."""

import numpy as np
import pytest

from deepsf.generator.detector import RecoLeptons
from deepsf.generator.trigger_paths import fired, legs


def leptons(*pairs):
    """Return events of two leptons (code, pT) each, all stored."""
    code = np.array([[c for c, _ in pair] for pair in pairs])
    pt = np.array([[p for _, p in pair] for pair in pairs], np.float32)
    ones = np.ones(code.shape, bool)
    return RecoLeptons(code, pt, pt * 0, pt * 0, pt * 0, pt * 0, ones, ones)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("HLT_Ele23_Ele12_CaloIdL_TrackIdL_IsoVL_DZ", {"Ele": [23.0, 12.0]}),
        ("HLT_Mu8_TrkIsoVVL_Ele23_CaloIdL_TrackIdL_IsoVL_DZ", {"Mu": [8.0], "Ele": [23.0]}),
        ("HLT_Mu17_TrkIsoVVL_TkMu8_TrkIsoVVL_DZ", {"Mu": [17.0, 8.0]}),
        ("HLT_Mu17_TrkIsoVVL_Mu8_TrkIsoVVL_DZ_Mass3p8", {"Mu": [17.0, 8.0]}),
        ("HLT_IsoTkMu24", {"Mu": [24.0]}),
        ("HLT_Ele25_eta2p1_WPTight_Gsf", {"Ele": [25.0]}),
        ("HLT_DoubleEle25_CaloIdL_MW", {"Ele": [25.0, 25.0]}),
    ],
)
def test_legs_are_read_from_the_name(path, expected):
    assert legs(path) == expected


def test_a_path_fires_if_every_leg_has_a_lepton_a_gev_above_its_threshold():
    events = leptons(
        [(11, 24.5), (-11, 13.5)], [(11, 24.5), (-11, 12.5)], [(11, 23.5), (-11, 13.5)], [(11, 40), (13, 40)]
    )
    both = "HLT_Ele23_Ele12_CaloIdL_TrackIdL_IsoVL"
    mixed = "HLT_Mu23_TrkIsoVVL_Ele12_CaloIdL_TrackIdL_IsoVL"
    found = fired([both, mixed, both], events)
    assert {path: column.tolist() for path, column in found.items()} == {
        both: [True, False, False, False],
        mixed: [False, False, False, True],
    }
    lost = events._replace(is_stored=np.array([[True, False]] * 4))
    assert not fired([both], lost)[both].any()


def test_a_path_without_leptons_is_named():
    with pytest.raises(ValueError, match="the generator cannot tell what HLT_PFHT1050 selects; generated events have"):
        fired(["HLT_PFHT1050"], leptons([(11, 30), (11, 30)]))

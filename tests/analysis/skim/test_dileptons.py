"""Variables of dilepton events by hand."""

import math

import pytest

from deepsf.skim.dileptons import event_variables
from deepsf.skim.selection import select
from tests.analysis.skim.hand_event import FAR_JET, JET, MUON, one_event


def test_event_variables_of_a_back_to_back_pair(selection):
    # Leptons of 40 and 30 GeV at the same eta, azimuths 0 and pi: mll^2 = 2 * 40 * 30 * (1 + 1) = 4800 GeV^2,
    # pT(ll) = 10 GeV along x. Jets of 60 and 35 GeV along +y: MHT = sqrt(10^2 + 95^2) GeV, HT = 95 GeV.
    jets = ({**JET, "phi": math.pi / 2}, {**FAR_JET, "phi": math.pi / 2})
    event = one_event(muons=({**MUON, "eta": 0.3, "phi": math.pi},), jets=jets)
    variables = event_variables(select(event, selection), event.jets)
    assert variables.mll_gev[0] == pytest.approx(math.sqrt(4800.0), rel=1e-6)
    assert variables.pt_ll_gev[0] == pytest.approx(10.0, rel=1e-6)
    assert variables.mht_gev[0] == pytest.approx(math.hypot(10.0, 95.0), rel=1e-6)
    assert variables.ht_gev[0] == 95.0

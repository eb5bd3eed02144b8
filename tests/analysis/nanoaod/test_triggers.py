"""Trigger paths: which a file has, by channel, in which runs they count, and those of earlier data sets."""

import logging

import numpy as np
import pytest

from deepsf.config.selection import TriggerOfRuns
from deepsf.nanoaod.root_file import NtupleError
from deepsf.nanoaod.triggers import of_file

KNOWN = ("HLT_DoubleEle", "HLT_MuEle", "HLT_DoubleMu", "HLT_IsoMu", "Jet_pt")
RUN = np.array([99, 100, 150, 200, 201])
ALWAYS = np.ones(5, np.bool_)
NEVER = ~ALWAYS


@pytest.fixture
def paths(data, selection):
    """Return the paths of a data file; keywords change the sample."""

    def paths(earlier=None, known=KNOWN, sample=data, **changes):
        return of_file("x.root", known, sample.model_copy(update=changes), selection, earlier or {})

    return paths


def test_each_channel_fires_by_its_own_paths(paths):
    found = paths()
    assert found.branches == ("HLT_DoubleEle", "HLT_MuEle", "HLT_DoubleMu")
    fired = {"HLT_DoubleEle": NEVER, "HLT_MuEle": RUN == 100, "HLT_DoubleMu": RUN > 150}
    np.testing.assert_array_equal(found.fired(fired, RUN), np.stack([NEVER, RUN == 100, RUN > 150], axis=1))
    assert not found.fired_earlier(fired, RUN).any()


def test_the_paths_of_a_sample_replace_those_of_the_selection(paths):
    found = paths(triggers={"mumu": ("HLT_IsoMu",)}, channels=("ee", "mumu"))
    assert found.branches == ("HLT_IsoMu",)
    fired = found.fired({"HLT_IsoMu": ALWAYS}, RUN)
    assert fired.all(axis=0).tolist() == [False, False, True]
    assert not fired[:, :2].any()


def test_runs_of_a_path_hold_their_ends_and_count_in_data_alone(paths, simulation):
    limited = {"mumu": (TriggerOfRuns(path="HLT_DoubleMu", runs=(100, 200)),)}
    branches = {"HLT_DoubleMu": ALWAYS}
    fired = paths(triggers=limited).fired(branches, RUN)[:, 2]
    assert fired.tolist() == [False, True, True, True, False]
    assert paths(sample=simulation, triggers=limited).fired(branches, RUN)[:, 2].all()
    twice = {"mumu": (*limited["mumu"], TriggerOfRuns(path="HLT_IsoMu", runs=(201, 300)))}
    either = paths(triggers=twice).fired({"HLT_DoubleMu": ALWAYS, "HLT_IsoMu": RUN == 201}, RUN)[:, 2]
    assert either.tolist() == [False, True, True, True, True]


def test_paths_of_earlier_data_sets_are_read_and_count_by_channel(paths):
    earlier = {"mumu": ("HLT_IsoMu", "HLT_Gone"), "emu": (TriggerOfRuns(path="HLT_IsoMu", runs=(150, 150)),)}
    found = paths(earlier)
    assert "HLT_IsoMu" in found.branches
    assert "HLT_Gone" not in found.branches  # the file lacks it: it cannot have fired
    branches = dict.fromkeys(found.branches, NEVER) | {"HLT_IsoMu": ALWAYS}
    assert found.fired_earlier(branches, RUN).tolist() == [
        [False, run == 150, True] for run in RUN
    ]  # never in ee, in which no earlier data set has a path


def test_a_path_that_is_missing_is_reported_and_does_not_fire(paths, caplog):
    with caplog.at_level(logging.WARNING):
        found = paths(triggers={"ee": ("HLT_Gone", "HLT_DoubleEle"), "mumu": ("HLT_Gone", "HLT_IsoMu")})
    assert found.missing == ("HLT_Gone",)
    assert caplog.messages == ["x.root: trigger paths that the file lacks count as not fired: HLT_Gone"]
    assert found.fired(dict.fromkeys(found.branches, ALWAYS), RUN).all(axis=0).tolist() == [True, False, True]


def test_a_channel_without_any_path_in_one_file_is_an_error(paths):
    without = [name for name in KNOWN if name != "HLT_DoubleEle"]
    with pytest.raises(NtupleError) as error:
        paths(known=without)
    assert str(error.value) == (
        "x.root: none of the trigger paths of channel ee exists (HLT_DoubleEle (close: HLT_DoubleMu)); set "
        "selection.triggers, or triggers of the sample, to paths of this data-taking period, or take the channel off "
        "its channels (3 HLT branches in the file)"
    )
    with pytest.raises(NtupleError, match=r"paths of channels ee, mumu exists \(HLT_A; HLT_B\).*\(0 HLT branches"):
        paths(known=(), triggers={"ee": ("HLT_A",), "mumu": ("HLT_B", "HLT_A")})
    with pytest.raises(NtupleError, match=r"selection\.triggers has no path for the channels emu of the sample"):
        paths(triggers={"ee": ("HLT_DoubleEle",)}, channels=("emu",))

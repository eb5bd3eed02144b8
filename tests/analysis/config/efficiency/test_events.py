"""Events in files: what is refused before anything runs, and the kind of configuration that they make."""

from __future__ import annotations

import pytest
import yaml

from deepsf.config import ConfigError, EfficiencyConfig, load

COLUMNS = {"pt_gev": "pt", "eta": "eta", "phi": "phi", "flavour": "label", "tag_bin": "tag"}
EVENTS = {"train": ["a.parquet"], "columns": COLUMNS}
FLAVOURS = {"b": {"hadron_flavours": [1]}, "udsg": {"hadron_flavours": [2, 3]}}


@pytest.fixture
def of(tmp_path):
    """Return a function that loads a configuration of files with other settings."""

    def make(events=EVENTS, **efficiency):
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump({"flavours": FLAVOURS, "efficiency": {"events": events, **efficiency}}))
        return load(path)

    return make


def refused(of, changed=(), columns=(), **efficiency) -> str:
    with pytest.raises(ConfigError) as error:
        of({**EVENTS, **dict(changed), "columns": {**COLUMNS, **dict(columns)}}, **efficiency)
    return str(error.value)


def test_a_file_of_events_is_of_efficiencies_alone_with_one_working_point(of):
    config = of()
    assert isinstance(config, EfficiencyConfig)
    assert (config.efficiency.wp_names, config.efficiency.events.test) == (("M",), ())
    assert type(config).model_validate_json(config.model_dump_json()) == config


def test_pt_and_tags_come_in_one_of_two_forms(of):
    assert "columns: give pt_gev or pt_mev, one of the two, got pt_gev and pt_mev" in refused(
        of, columns={"pt_mev": "x"}
    )
    assert "columns: give tag_bin or score, one of the two, got neither" in refused(of, columns={"tag_bin": None})
    assert "run and luminosity_block are given together, and only beside event" in refused(of, columns={"run": "run"})
    of({**EVENTS, "columns": {**COLUMNS, "event": "e", "run": "r", "luminosity_block": "l"}})


def test_cuts_belong_to_a_score_and_to_the_working_points(of):
    rule = "efficiency.events.working_points: cuts are given for a score (columns.score) and for nothing else; "
    assert rule + "leave it out, or give columns.score" in refused(of, {"working_points": {"M": 0.3}})
    score = {"tag_bin": None, "score": "s"}
    assert rule + "give the cuts, such as {L: 0.05, M: 0.3}" in refused(of, columns=score)
    text = refused(of, {"working_points": {"L": 0.3}}, score)
    assert "cuts of ['L'], but efficiency.working_points are ['M']; name the same in both" in text
    text = refused(of, {"working_points": {"L": 0.3, "M": 0.3}}, score, working_points=["L", "M"])
    assert "efficiency.working_points: not nested, M cuts at 0.3 and L before it at 0.3" in text


def test_other_processes_have_names_of_their_own_and_files(of):
    assert "transfer.test: train, test, scalar are other samples" in refused(of, {"transfer": {"test": ["x.parquet"]}})
    assert "transfer.ttbar: is empty; name what is in it" in refused(of, {"transfer": {"ttbar": []}})


def test_files_are_not_beside_a_toy_or_skims(message):
    text = message("efficiency_toy", events=EVENTS)
    assert "efficiency.events: files beside a toy; give one of the two, and leave out the other" in text
    text = message("efficiency_nanoaod", events=EVENTS)
    assert "efficiency.events: a campaign with samples takes its jets from their skims; write a file of its own" in text
    assert "efficiency.ratio: an experiment on generated jets" in message(
        "efficiency_toy", toy=None, events=EVENTS, experiments=None, audit={"limits": None}
    )

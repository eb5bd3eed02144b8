"""Rules that join the sections."""

from pathlib import Path

import yaml

CONFIGS = Path(__file__).parents[3] / "configs"


def test_problems_between_sections_are_separate_lines(tree, message):
    tree["regions"]["hf"]["tag_above"] = "X"
    tree["flavours"]["b"]["hadron_flavours"] = [5, 4]
    text = message(tree)
    assert text.startswith("bad.yaml: 2 problem(s)")
    assert "regions.hf.tag_above: 'X' is not one of the working points ['L', 'M', 'T']" in text
    assert "flavours.c: hadron flavour 4 already belongs to b" in text


def test_a_toy_of_efficiencies_in_a_campaign_with_samples_is_refused(tree, message):
    toy = yaml.safe_load((CONFIGS / "efficiency_toy.yaml").read_text())["efficiency"]["toy"]
    tree["efficiency"] = {"toy": toy}
    assert "efficiency.toy: a campaign with samples takes its jets from their skims; leave it out" in message(tree)

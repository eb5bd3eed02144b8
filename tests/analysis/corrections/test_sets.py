"""Files of corrections are opened in one way, by which no skim dies of one."""

import json

import pytest

from deepsf.config.jet_corrections import JetCorrections
from deepsf.config.jet_id import JetId, JetVeto
from deepsf.config.pileup import Pileup
from deepsf.config.selection import Jet
from deepsf.skim.jet_corrections import load_jet_energy
from deepsf.skim.jet_id import load_jet_id
from deepsf.skim.jet_veto import load_jet_veto
from deepsf.skim.pileup import load_pileup

LOADERS = {
    "pileup": lambda file: load_pileup(Pileup(file=file, name="c")),
    "jet_corrections": lambda file: load_jet_energy(
        JetCorrections(file=file, jes_sources={"Total": "c"}), "ttbar", "simulation"
    ),
    "jet id": lambda file: load_jet_id(JetId(file=file, name="c"), None),
    "jet_veto": lambda file: load_jet_veto(JetVeto(file=file, name="c"), Jet()),
}


@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS)
def test_a_formula_without_its_parameters_is_refused_before_correctionlib_dies_of_it(loader, tmp_path):
    path = tmp_path / "c.json"
    formula = {"nodetype": "formula", "expression": "[0]*x+[1]", "parser": "TFormula", "variables": ["x"]}
    correction = {
        "name": "c", "version": 1, "inputs": [{"name": "x", "type": "real"}], "output": {"name": "w", "type": "real"},
        "generic_formulas": [formula], "data": {"nodetype": "formularef", "index": 0, "parameters": [1.0]},
    }  # fmt: skip
    path.write_text(json.dumps({"schema_version": 2, "corrections": [correction]}))
    expected = r"c\.json: not a readable correctionlib file \(formula '\[0\]\*x\+\[1\]' takes 2 parameters, got 1\)"
    with pytest.raises(ValueError, match=expected):
        loader(str(path))

"""All files at once: those that are asked for, the same bytes each time, with what is to be said about them."""

from __future__ import annotations

import numpy as np

from deepsf.config.exports import DeepSFTable, Exports
from deepsf.exports.corrections import read_correction
from deepsf.exports.write import ExportedResults, write_exports
from deepsf.probes.entries import Jets
from deepsf.probes.inclusive import InclusiveJets
from tests.analysis.exports.conftest import FLAVOURS, points
from tests.analysis.exports.test_maps_of_skims import write_jets


def test_the_file_states_its_interpolation_error(ensemble, binned, label, tmp_path):
    jets = points(2000)
    flavour = np.arange(2000, dtype=np.int8) % 3
    jets = Jets(jets.pt_gev, jets.abseta, jets.discriminant, flavour)
    inclusive = InclusiveJets(np.zeros(2000, np.int64), np.ones(2000), jets)
    settings = Exports(forms=("deepsf",), deepsf=DeepSFTable(n_pt=4, n_abseta=2, n_discriminant=12, n_jets=500))
    contents = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        places = {form: folder / name for form, name in settings.files("deepJet").items()}
        results = ExportedResults(binned, FLAVOURS, ensemble=ensemble, inclusive=inclusive)
        lines = write_exports(places, results, label, settings, [write_jets(folder.parent / "jets.parquet")])
        contents.append(places["deepsf"].read_bytes())
    made = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert made == ["deepJet_deepsf.json.gz", "normalisation_maps.json"]
    assert contents[0] == contents[1]
    tree = read_correction(places["deepsf"])
    assert tree["name"] == "deepJet_deepsf"
    assert lines[0] in tree["description"]
    assert lines[0].startswith("Root mean square of table minus ensemble over inclusive jets: b 0.")

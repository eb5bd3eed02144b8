"""All exported files of efficiencies: readable by the libraries that they are for, the same bytes each time."""

import json

import correctionlib
import onnx

import deepsf
from deepsf.efficiency.exports.onnx_session import OnnxEfficiencies
from deepsf.efficiency.exports.write import write_exports
from deepsf.efficiency.maps.maps import EfficiencyMap
from tests.analysis.efficiency.exports.ensembles import CODES, ensemble
from tests.analysis.efficiency.exports.test_map_correction import SETTINGS, random_jets


def test_both_files_are_read_again_and_are_the_same_bytes_each_time(tmp_path):
    sample = random_jets(2000, 1)
    maps = {name: EfficiencyMap.fit(sample, SETTINGS, delta_r=name.endswith("r")) for name in ("eff", "eff_delta_r")}
    content = []
    for folder in ("first", "second"):
        places = tmp_path / folder / "maps.json.gz", tmp_path / folder / "efficiency.onnx"
        places[0].parent.mkdir()
        write_exports(
            *places, maps=maps, ensemble=ensemble(), hadron_flavours=CODES, head="[tagger: deepJet; era: toy]"
        )
        content.append([place.read_bytes() for place in places])
    assert content[0] == content[1]
    read = correctionlib.CorrectionSet.from_file(str(places[0]))
    assert set(read) == {"eff", "eff_delta_r"}
    assert read["eff"].description.startswith("[tagger: deepJet; era: toy] Tagging efficiencies")
    assert read["eff"].description.endswith(f"Made by deepsf {deepsf.__version__}.")
    assert OnnxEfficiencies(places[1]).flavours == CODES
    about = {entry.key: entry.value for entry in onnx.load(places[1]).metadata_props}
    assert json.loads(about["description"]).startswith("[tagger: deepJet; era: toy] Jet tagging efficiencies")

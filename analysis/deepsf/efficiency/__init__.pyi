from deepsf.efficiency.events.closest import closest_jet
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.events.from_jets import events_of_jets
from deepsf.efficiency.events.source import event_numbers
from deepsf.efficiency.exports.onnx_session import OnnxEfficiencies
from deepsf.efficiency.maps.maps import EfficiencyMap
from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
from deepsf.efficiency.networks.training import train_member
from deepsf.efficiency.truth_tagging.draws import draw_bins, draw_pattern
from deepsf.efficiency.truth_tagging.probabilities import at_least, exactly, taggable_jets
from deepsf.efficiency.truth_tagging.tagged_pairs import replica_weight, tagged_pair_mass_gev
from deepsf.efficiency.truth_tagging.variance import truth_tagged_yields

__all__ = [
    "EfficiencyEnsemble",
    "EfficiencyMap",
    "JetEvents",
    "OnnxEfficiencies",
    "at_least",
    "closest_jet",
    "draw_bins",
    "draw_pattern",
    "event_numbers",
    "events_of_jets",
    "exactly",
    "replica_weight",
    "taggable_jets",
    "tagged_pair_mass_gev",
    "train_member",
    "truth_tagged_yields",
]

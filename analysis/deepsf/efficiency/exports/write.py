"""All files of efficiencies that analyses take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deepsf.efficiency.exports.map_correction import Codes, map_correction
from deepsf.efficiency.exports.onnx_file import ensemble_onnx
from deepsf.efficiency.exports.process_correction import process_corrections
from deepsf.efficiency.maps.maps import EfficiencyMap
from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
from deepsf.efficiency.non_closure.cells import NonClosures
from deepsf.efficiency.process_ratios import ProcessRatios
from deepsf.exports.corrections import write_corrections


def write_exports(
    maps_path: Path,
    network_path: Path,
    *,
    maps: Mapping[str, EfficiencyMap],
    ensemble: EfficiencyEnsemble,
    hadron_flavours: Codes,
    head: str = "",
    non_closure: NonClosures | None = None,
) -> None:
    """Write maps as correctionlib JSON, compressed, and the ensemble as ONNX.

    Parameters
    ----------
    maps
        By the names of their corrections.
    hadron_flavours
        Codes by flavour, such as ``{"b": [5], "c": [4], "udsg": [0]}``.
    head
        Begins the descriptions in both files: tagger, era.
    non_closure
        Of the ensemble, for its file.
    """
    corrections = [map_correction(fitted, hadron_flavours, name, head=head) for name, fitted in maps.items()]
    description = f"{head} Jet tagging efficiencies in simulation.".strip()
    write_corrections(maps_path, corrections, description)
    network_path.write_bytes(ensemble_onnx(ensemble, hadron_flavours, description, non_closure))


def write_process_ratios(
    path: Path,
    ratios: Mapping[str, Mapping[str, Mapping[str, ProcessRatios]]],
    *,
    hadron_flavours: Codes,
    head: str = "",
) -> None:
    """Write ratios of efficiencies of processes as correctionlib JSON, compressed.

    Parameters
    ----------
    ratios
        By process, flavour and working point.
    """
    corrections = [
        correction
        for process, of_flavours in ratios.items()
        for correction in process_corrections(process, of_flavours, hadron_flavours, head=head)
    ]
    write_corrections(path, corrections, f"{head} MC/MC scale factors of jet tagging efficiencies.".strip())

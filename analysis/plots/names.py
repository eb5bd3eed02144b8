"""Which figures a campaign has, from its configuration alone; imports nothing that takes time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.config.methods import Bins


def panel_stem(flavour: str, pt_gev: Sequence[float], abseta: Sequence[float], *, last_pt: bool) -> str:
    """Return the name of a (pT, |eta|) bin's file; the last pT bin is open upwards."""
    pt = f"{pt_gev[0]:g}" + ("up" if last_pt else f"to{pt_gev[1]:g}")
    return f"sf_{flavour}_pt{pt}_eta{abseta[0]:g}to{abseta[1]:g}".replace(".", "p")


def scale_factor_stems(bins: Mapping[str, Bins], measured: Sequence[str], *, with_truth: bool) -> list[str]:
    """Return the names of the figures that `analysis.plots.campaign.scale_factor_figures` yields, in its order."""
    stems = []
    for flavour in measured:
        edges = bins[flavour]
        n_pt, n_abseta = len(edges.pt_gev) - 1, len(edges.abseta) - 1
        stems += [
            panel_stem(flavour, edges.pt_gev[i : i + 2], edges.abseta[j : j + 2], last_pt=i == n_pt - 1)
            for i in range(n_pt)
            for j in range(n_abseta)
        ]
        stems += [f"overview_{flavour}", f"map_{flavour}"]
        if with_truth:
            stems.append(f"truth_{flavour}")
    return [*stems, "training"]


def closure_stems(regions: Sequence[str]) -> list[str]:
    """Return the names of the figures that `analysis.plots.campaign.closure_figures` yields, in its order."""
    return [stem for region in regions for stem in (f"closure_{region}", f"closure_{region}_fine")]

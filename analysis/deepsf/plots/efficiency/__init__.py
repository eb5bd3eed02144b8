"""Figures of efficiencies; all of them show what `deepsf.efficiency.audit.results.EfficiencyClosure` holds."""

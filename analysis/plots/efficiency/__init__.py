"""Figures of efficiencies; all of them show what `analysis.efficiency.closure_results.EfficiencyClosure` holds."""

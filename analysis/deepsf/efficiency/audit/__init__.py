"""The audit of efficiencies, row by row, and its experiments."""

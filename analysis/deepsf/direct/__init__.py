"""Scale factors from one density-ratio fit to all regions."""

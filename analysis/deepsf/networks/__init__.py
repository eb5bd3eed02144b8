"""Networks that are scale factors: dense layers, their inputs, ensembles."""

"""Efficiencies as files that need none of this software: maps for correctionlib, ensembles for ONNX runtimes."""

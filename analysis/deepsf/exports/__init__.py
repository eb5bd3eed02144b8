"""Scale factors for download: correctionlib JSON, BTV CSV, normalisation maps."""

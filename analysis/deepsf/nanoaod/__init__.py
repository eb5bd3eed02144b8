"""From ROOT files to chunks of arrays."""

"""What every method measures on: probe jets of the regions, inclusive jets and their weights."""

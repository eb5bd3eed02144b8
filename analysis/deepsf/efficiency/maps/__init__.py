"""Efficiencies in bins, their intervals and bootstraps."""

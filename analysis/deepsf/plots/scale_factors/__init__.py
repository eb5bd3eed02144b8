"""Figures of scale factors."""

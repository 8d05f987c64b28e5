"""Figures, each a small registered function."""

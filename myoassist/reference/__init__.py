"""Measured motion to periodic reference, and its fitting to a body."""

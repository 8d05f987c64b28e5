"""Stored episodes become files that other programs read: OpenSim's motion and storage files, and CSV."""

"""Muscle-driven walking, with and without assistive devices: train, evaluate, analyse."""

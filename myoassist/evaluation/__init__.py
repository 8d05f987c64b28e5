"""Checkpoint and scenario become rollouts and a replay video."""

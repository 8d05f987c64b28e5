"""Rollouts become gait cycles, metrics and figures, without physics or learning."""

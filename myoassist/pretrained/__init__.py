"""Trained policies that travel with the project, with all that tells where they come from."""

"""Policies, LearningCallback, curriculum and resumable segments."""

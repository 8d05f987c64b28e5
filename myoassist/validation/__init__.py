"""Is this environment fit to be trained on?"""

"""Many runs: numbers of each, aggregated over seeds and axes, and compared with a baseline."""

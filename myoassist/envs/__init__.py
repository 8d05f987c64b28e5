"""The Gymnasium environments, batched; simulation.py alone steps MuJoCo."""

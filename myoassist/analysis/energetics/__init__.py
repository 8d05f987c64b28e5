"""What walking costs: metabolic power of each muscle from its force, length, velocity and excitation."""

"""What an experiment is: one module of validated settings per stage."""

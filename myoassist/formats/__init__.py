"""The files that stages hand to each other; reader and writer of a format live in one module."""

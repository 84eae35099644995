"""Vectors or texts to hits."""

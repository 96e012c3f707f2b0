"""Data sets, their transforms, and rendered persons (synthetic data)."""

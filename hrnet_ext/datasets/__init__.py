"""Data sets, their transforms, and people drawn by the package itself."""

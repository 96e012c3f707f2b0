"""Benchmarks of hrnet_ext and MMPose: the same work with the same weights, timed in turns.

They need a checkout: wheels do not have them. ``tools/benchmark.py`` is the command. ``parts/`` has
one module per subject; the other modules are what the parts share.
"""

"""Metrics: pure functions, and the registered shells around them."""

"""Drawings of poses."""

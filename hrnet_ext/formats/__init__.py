"""Validation of input: annotation files, box files, and boxes and images in memory."""

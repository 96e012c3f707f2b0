"""Conversion of other annotation formats to those that the data sets read."""

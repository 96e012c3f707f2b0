"""Other data in the layouts that the data sets read."""

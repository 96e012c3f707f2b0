"""MPII's annotation files: the release's JSON, and our own form of it."""

FORMAT = 'hrnet_ext.mpii'  # `info.format` of our own form
VERSION = 1  # `info.version`; to be raised when an older reader would misread a newer file

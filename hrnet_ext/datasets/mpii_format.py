"""The name of our own form of MPII's annotations; imports nothing, for all sides to share it."""

FORMAT = 'hrnet_ext.mpii'  # `info.format` of our own form
VERSION = 1  # `info.version`; to be raised when an older reader would misread a newer file
COORDINATES = '0-based pixels'  # `info.coordinates`; the release's are 1-based

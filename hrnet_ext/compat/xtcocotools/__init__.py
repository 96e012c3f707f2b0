"""The parts of xtcocotools that MMPose's data sets and metrics import, based on pycocotools.

Offered as ``xtcocotools`` only where the real one is not installed.
"""

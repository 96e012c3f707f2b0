"""xtcocotools on pycocotools: what MMPose's data sets and metrics import under that name.

Offered as ``xtcocotools`` only where the real one is not installed.
"""

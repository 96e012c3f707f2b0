"""Codecs: keypoints <-> heatmaps, one class for both ways."""

from hrnet_ext.codecs.msra import MSRAHeatmap

__all__ = ['MSRAHeatmap']

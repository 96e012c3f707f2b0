"""MPII's annotation files: the release's JSON, and our own form of it."""

# Kept where the renderer of synthetic people, which must not import OpenMMLab, can read it, too.
from hrnet_ext.datasets.mpii_format import FORMAT, VERSION  # noqa: F401

"""What a GPU has to show, in one command that fits into minutes: see tools/gpu_check.sh."""

import hrnet_ext  # noqa: F401 - before an item imports MMPose: it offers what that lacks

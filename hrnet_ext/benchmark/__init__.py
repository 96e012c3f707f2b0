"""Ours beside MMPose's: the same work with the same weights, in one process, in turns.

``contest`` measures, ``line_up`` builds the contestants and checks that they do the same work,
``report`` shapes what comes out, ``parts`` holds what is measured, one module for each subject.
The package imports nothing heavy until it runs. Its CUDA branches were never run.
"""

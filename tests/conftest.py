"""Fixtures for every test."""

import logging

import pytest
from mmengine.logging import MMLogger

import hrnet_ext  # noqa: F401 - before a test imports MMPose: it offers what that lacks


@pytest.fixture
def mmengine_log(caplog):
    """``caplog`` that sees MMEngine's logger, which does not hand records on: INFO and above."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.INFO)  # runs of other tests leave others
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)
    logger.setLevel(level)

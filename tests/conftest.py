"""Fixtures for every test, and what keeps runs of seconds from taking twice as long."""

import gc
import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from yapf.yapflib import yapf_api

import hrnet_ext  # noqa: F401 - before MMPose is imported: it offers what that lacks
from tests.file_server import FileServer, serve


def pytest_configure() -> None:
    """Let runs write their configs as they are: formatting them took half of a short run's time."""
    yapf_api.FormatCode = lambda text, *args, **options: (text, True)
    # Tests send Ctrl-C, which a shell's background job ignores.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Spare MMEngine's ``gc.collect()``, one for each data set, all that was imported."""
    gc.freeze()


@pytest.fixture(autouse=True)
def globals_of_each_test():
    """Runners leave a default scope and, if its name is fixed, a visualizer to the process."""
    yield
    from mmpose.visualization import PoseLocalVisualizer

    DefaultScope._instance_dict.clear()
    PoseLocalVisualizer._instance_dict.clear()


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


@pytest.fixture
def file_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A web server for weights; downloads go to ``tmp_path / 'cache/hub/checkpoints'``."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    (tmp_path / 'web').mkdir()
    with serve(tmp_path / 'web') as files:
        yield files

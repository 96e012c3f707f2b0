"""The tool that renders data sets: its messages, its exit statuses, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / 'tools' / 'make_synthetic.py'
SMALL = ('--num-train', '3', '--num-val', '2', '--size', '64')
ENVIRONMENT = {
    **os.environ,
    'PYTHONPATH': os.pathsep.join(
        filter(None, [str(TOOL.parents[1]), os.environ.get('PYTHONPATH')])
    ),
}


def call(*args):
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, args)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )


def test_help_needs_no_heavy_import():
    script = (
        'import runpy, sys\n'
        'sys.argv = ["make_synthetic.py", "--help"]\n'
        'try:\n'
        f'    runpy.run_path({str(TOOL)!r}, run_name="__main__")\n'
        'except SystemExit as end:\n'
        '    assert end.code == 0\n'
        'assert not {"numpy", "cv2", "torch"} & set(sys.modules)\n'
    )
    result = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    assert '--difficulty' in result.stdout


def test_a_data_set_is_rendered_once(tmp_path):
    first = call(tmp_path / 'new' / 'out', *SMALL, '--workers', 2)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith('rendered 3 + 2 easy images')
    assert '5/5 images' in first.stderr
    assert len(list((tmp_path / 'new' / 'out').rglob('*.jpg'))) == 5
    second = call(tmp_path / 'new' / 'out', *SMALL)
    assert second.returncode == 0
    assert second.stdout.startswith('found 3 + 2 easy images')


def test_every_layout_has_its_defaults_and_arguments(tmp_path):
    people = call(tmp_path / 'mpii', '--layout', 'mpii', *SMALL, '--workers', 1)
    assert people.stdout.startswith('rendered 3 + 2 easy images'), people.stderr
    assert (tmp_path / 'mpii' / 'annotations' / 'mpii_val.json').is_file()
    short = ('--num-train', 1, '--num-val', 1, '--num-frames', 3, '--width', 80, '--height', 64)
    videos = call(tmp_path / 'pt', '--layout', 'posetrack18', *short, '--workers', 1)
    assert videos.stdout.startswith('rendered 1 + 1 easy videos (train + val) of 3 frames in')
    assert '6/6 images' in videos.stderr
    assert len(list((tmp_path / 'pt').rglob('*.jpg'))) == 6
    help_text = call('--help').stdout
    assert 'coco,mpii,posetrack18' in help_text
    assert 'default: 12' in help_text


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (('--num-frames', '8'), 'error: num_frames does not apply to layout coco, which takes'),
        (('--layout', 'mpii', '--width', '80'), 'error: width does not apply to layout mpii'),
        (
            ('--layout', 'posetrack18', '--size', '64'),
            'error: size does not apply to layout posetrack18, which takes difficulty, num_train, '
            'num_val, num_frames, width, height, seed',
        ),
        (('--layout', 'posetrack18', '--num-frames', '0'), 'num_frames must lie between 1 and'),
        (('--layout', 'jhmdb'), "invalid choice: 'jhmdb'"),
        (('--num-train', '0'), 'error: num_train must lie between 1 and 999999, got 0'),
        (('--workers', '0'), 'error: the number of workers must be at least 1, got 0'),
        (('--difficulty', 'medium'), "invalid choice: 'medium'"),
        (('--size', 'big'), "invalid int value: 'big'"),
    ],
)
def test_bad_arguments_end_with_one_clear_line(tmp_path, args, message):
    result = call(tmp_path / 'out', *args)
    assert result.returncode != 0
    assert message in result.stderr
    assert 'Traceback' not in result.stderr
    assert not (tmp_path / 'out').exists()


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / 'file').write_text('in the way')
    assert 'file is a file; choose a folder' in call(tmp_path / 'file', *SMALL).stderr
    below = call(tmp_path / 'file' / 'out', *SMALL)
    assert below.returncode == 1
    assert 'error:' in below.stderr
    assert 'file' in below.stderr
    assert 'Traceback' not in below.stderr


def test_a_folder_without_write_permission_is_named(tmp_path):
    (tmp_path / 'closed').mkdir(mode=0o500)
    if os.access(tmp_path / 'closed', os.W_OK):
        pytest.skip('this user may write anywhere')
    result = call(tmp_path / 'closed' / 'out', *SMALL)
    assert result.returncode == 1
    assert 'cannot make the folder: Permission denied' in result.stderr
    assert 'closed' in result.stderr


@pytest.mark.skipif(os.name != 'posix', reason='signals to a process group are POSIX')
@pytest.mark.parametrize(('number', 'status'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_and_leaves_nothing(tmp_path, number, status):
    process = subprocess.Popen(
        [sys.executable, str(TOOL), str(tmp_path / 'out'), '--num-train', '5000', '--workers', '2'],
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        start_new_session=True,
        # a test run in the background of a script ignores Ctrl-C, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob('*.jpg')):
        assert time.monotonic() < deadline, 'no image was written'
        assert process.poll() is None
        time.sleep(0.05)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # a terminal's Ctrl-C reaches the workers, too
    else:
        process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == status
    assert 'Traceback' not in stderr
    assert list(tmp_path.iterdir()) == []

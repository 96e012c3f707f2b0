"""Weights are downloaded once, whole and verified, whatever the connection does."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hrnet_ext.safe_loading import CheckpointError, download, downloading

CONTENT = bytes(range(256)) * 400


@pytest.fixture
def cache(tmp_path):
    return tmp_path / 'cache' / 'hub' / 'checkpoints'


@pytest.mark.parametrize('suffix', ['.pth', '_20200708.pth'], ids=['PyTorch', 'OpenMMLab'])
def test_a_file_is_downloaded_once_and_nothing_else_is_left(file_server, cache, suffix):
    url = file_server.add(CONTENT, suffix=suffix)
    path = download(url)
    assert path == cache / url.rpartition('/')[2]
    assert path.read_bytes() == CONTENT
    assert download(url) == path
    assert len(file_server.requests) == 1
    assert list(cache.iterdir()) == [path]


def test_files_of_one_name_from_two_addresses_are_two_files(file_server):
    for hub in ('timm', 'ours'):
        (file_server.folder / hub).mkdir()
        (file_server.folder / hub / 'model.pth').write_text(hub)
    for _ in range(2):
        for hub in ('timm', 'ours'):
            assert download(f'{file_server.address}/{hub}/model.pth').read_text() == hub


def test_a_wrong_hash_is_an_error_and_nothing_is_kept(file_server, cache):
    url = file_server.add(CONTENT, digits='1a2b3c4d')
    found = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(CheckpointError, match=rf'SHA-256 of 1a2b3c4d\.\.\., but it has {found}'):
        download(url)
    assert [path for path in cache.iterdir() if not path.name.startswith('.')] == []


def test_a_cut_download_continues_where_it_was_cut(file_server, cache):
    url = file_server.add(CONTENT)
    file_server.cuts = [60_000, 20_000]
    assert download(url).read_bytes() == CONTENT
    assert [start for _, start in file_server.requests] == [0, 60_000, 80_000]


def test_a_cut_download_starts_anew_if_the_server_cannot_continue(file_server):
    url = file_server.add(CONTENT)
    file_server.cuts, file_server.continues = [60_000], False
    assert download(url).read_bytes() == CONTENT
    assert [start for _, start in file_server.requests] == [0, 0]


def test_a_connection_that_is_always_cut_says_what_is_kept(file_server, cache):
    url = file_server.add(CONTENT)
    file_server.cuts = [10_000] * 3
    with pytest.raises(CheckpointError, match=r'closed after 30,000 of 102,400 bytes.*to continue'):
        download(url)
    assert download(url).read_bytes() == CONTENT
    assert file_server.requests[-1][1] == 30_000


def test_a_file_without_a_hash_never_continues(file_server, cache):
    (file_server.folder / 'model.pth').write_bytes(CONTENT)
    file_server.cuts = [10_000] * 4
    with pytest.raises(CheckpointError, match='closed after 10,000 of 102,400') as error:
        download(f'{file_server.address}/model.pth')
    assert 'to continue' not in str(error.value)
    assert {start for _, start in file_server.requests} == {0}
    assert not list(cache.glob('*.partial'))


@pytest.mark.parametrize(
    'rest',
    [b'x' * 10_000, CONTENT + b'x', CONTENT],
    ids=['of another file', 'longer than the file', 'whole'],
)
def test_the_beginning_left_by_another_process_is_used_if_it_fits(file_server, cache, rest):
    url = file_server.add(CONTENT)
    cache.mkdir(parents=True)
    (cache / f'{url.rpartition("/")[2]}.partial').write_bytes(rest)
    path = download(url)
    assert path.read_bytes() == CONTENT
    assert list(cache.iterdir()) == [path]


def test_a_slow_server_is_waited_for(file_server):
    url = file_server.add(CONTENT)
    file_server.stalls = [1.0]
    assert download(url).read_bytes() == CONTENT


def test_a_server_that_falls_silent_is_asked_again(file_server, monkeypatch):
    monkeypatch.setattr(downloading, 'SECONDS_WITHOUT_DATA', 0.3)
    url = file_server.add(CONTENT)
    file_server.stalls = [2.0]
    assert download(url).read_bytes() == CONTENT
    assert len(file_server.requests) == 2


def test_a_server_that_stays_silent_is_an_error(file_server, monkeypatch):
    monkeypatch.setattr(downloading, 'SECONDS_WITHOUT_DATA', 0.3)
    url = file_server.add(CONTENT)
    file_server.stalls = [2.0] * 3
    with pytest.raises(CheckpointError, match=r'no data for 0\.3 seconds'):
        download(url)


@pytest.mark.parametrize('address', ['gone', 'no route'])
def test_what_cannot_be_reached_names_url_place_and_mirror(file_server, cache, address):
    base = file_server.address if address == 'gone' else 'http://127.0.0.1:9'
    with pytest.raises(CheckpointError) as error:
        download(f'{base}/net-1a2b3c4d.pth')
    reason = 'HTTP Error 404' if address == 'gone' else 'Connection refused'
    assert reason in str(error.value)
    for hint in (f'{base}/net-1a2b3c4d.pth', str(cache / 'net-1a2b3c4d.pth'), 'HRNET_EXT_MIRROR'):
        assert hint in str(error.value)


def test_a_mirror_has_the_same_paths(file_server, cache, monkeypatch):
    url = file_server.add(CONTENT)
    name = url.rpartition('/')[2]
    monkeypatch.setenv(downloading.MIRROR_VARIABLE, f'{file_server.address}/')
    assert download(f'https://nowhere.invalid/{name}') == cache / name


def test_a_folder_that_cannot_be_written_is_named(file_server, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(CheckpointError, match='Cannot download'):
        download(file_server.add(CONTENT), tmp_path / 'file' / 'folder')


def test_threads_and_processes_share_one_download(file_server, cache):
    url = file_server.add(CONTENT)
    file_server.stalls = [1.5]
    processes = [start_download(url) for _ in range(2)]
    threads = [threading.Thread(target=download, args=(url,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait() for process in processes] == [0, 0]
    assert len(file_server.requests) == 1
    assert [path.read_bytes() for path in cache.iterdir()] == [CONTENT]


@pytest.mark.parametrize('end', [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_download_continues(file_server, cache, end):
    url = file_server.add(CONTENT)
    file_server.stalls = [20.0]
    process = start_download(url)
    partial = cache / f'{url.rpartition("/")[2]}.partial'
    for _ in range(200):
        if partial.is_file() and partial.stat().st_size:
            break
        time.sleep(0.1)
    process.send_signal(end)
    assert process.wait() != 0
    assert not [path for path in cache.glob('*.pth')]
    assert download(url).read_bytes() == CONTENT
    assert file_server.requests[-1][1] > 0


def start_download(url: str) -> subprocess.Popen:
    code = f'from hrnet_ext.safe_loading import download; download({url!r})'
    return subprocess.Popen(
        [sys.executable, '-c', code],
        env={**os.environ, 'PYTHONPATH': str(Path(__file__).parents[1])},
        stderr=subprocess.DEVNULL,
    )

"""tools/convert_checkpoint.py as users run it."""

import hashlib
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hrnet_ext.checkpoints import load_checkpoint
from hrnet_ext.models import HRNet

ROOT = Path(__file__).parents[1]
TOOL = ROOT / 'tools' / 'convert_checkpoint.py'
with torch.device('meta'):
    NETWORK = HRNet(8, (1, 1, 1), num_blocks=(1, 1, 1, 1)).state_dict()


@pytest.fixture
def run_tool(monkeypatch, capsys):
    """Runs the file as Python would, but here: importing PyTorch anew takes seconds."""

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
            status = 0
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        if isinstance(status, str):  # Python prints it and exits with 1
            status, err = 1, err + status
        return subprocess.CompletedProcess(arguments, status, out, err)

    return run


def official_weights():
    weights = {name: torch.randn(x.shape) for name, x in NETWORK.items()}
    weights['final_layer.weight'] = torch.randn(17, 8, 1, 1)
    return weights | {'final_layer.bias': torch.randn(17)}


@pytest.fixture
def official(tmp_path):
    """An official ImageNet-and-pose file, classification head included."""
    weights = official_weights()
    torch.save(weights | {'classifier.bias': torch.ones(1000)}, tmp_path / 'official.pth')
    return tmp_path / 'official.pth', weights


def test_there_and_back(run_tool, official, tmp_path):
    source, weights = official
    there = run_tool(source, tmp_path / 'ours.pth')
    assert there.returncode == 0, there.stderr
    assert 'HRNet-W8, 17 keypoints: 100.0% of the backbone matched' in there.stdout
    assert 'ignored    1 (ImageNet classification head, expected)' in there.stdout
    digest = hashlib.sha256((tmp_path / 'ours.pth').read_bytes()).hexdigest()
    assert f'sha256 {digest}' in there.stdout
    ours = load_checkpoint(tmp_path / 'ours.pth')
    assert ours['meta']['converted_from'] == 'official.pth'
    assert torch.equal(ours['state_dict']['head.final_layer.bias'], weights['final_layer.bias'])

    back = run_tool(tmp_path / 'ours.pth', tmp_path / 'back.pth', '--to', 'official')
    assert back.returncode == 0, back.stderr
    returned = load_checkpoint(tmp_path / 'back.pth')
    assert list(returned) == list(weights)
    assert all(torch.equal(returned[name], weights[name]) for name in weights)


def test_what_the_official_release_lacks_is_named(run_tool, tmp_path):
    weights = {f'backbone.{name}': torch.ones(x.shape) for name, x in NETWORK.items()}
    torch.save(weights | {'head.offset.weight': torch.ones(1)}, tmp_path / 'dekr.pth')
    done = run_tool(tmp_path / 'dekr.pth', tmp_path / 'out.pth', '--to', 'official')
    assert done.returncode == 0, done.stderr
    assert 'ignored    1 (part of a head that the official release does not have)' in done.stdout
    assert f'matched    {len(weights)}' in done.stdout
    assert list(load_checkpoint(tmp_path / 'out.pth')) == list(NETWORK)


def test_nothing_is_overwritten_unless_asked_for(run_tool, official, tmp_path):
    source, _ = official
    (tmp_path / 'out.pth').write_text('precious')
    refused = run_tool(source, tmp_path / 'out.pth')
    assert refused.returncode != 0
    assert 'out.pth exists; --overwrite replaces it' in refused.stderr
    assert (tmp_path / 'out.pth').read_text() == 'precious'
    assert run_tool(source, tmp_path / 'out.pth', '--overwrite').returncode == 0
    assert 'state_dict' in load_checkpoint(tmp_path / 'out.pth')


def test_too_little_match_fails_and_writes_nothing(run_tool, tmp_path):
    weights = {name: t for name, t in official_weights().items() if not name.startswith('stage4')}
    torch.save(weights, tmp_path / 'part.pth')
    failed = run_tool(tmp_path / 'part.pth', tmp_path / 'out.pth')
    assert failed.returncode == 1
    assert 'error: ' in failed.stderr
    assert 'missing' in failed.stderr
    assert not (tmp_path / 'out.pth').exists()
    allowed = run_tool(tmp_path / 'part.pth', tmp_path / 'out.pth', '--min-match', '0.1')
    assert allowed.returncode == 0, allowed.stderr


def test_another_model_fails_whatever_the_threshold(run_tool, tmp_path):
    torch.save({'fc.weight': torch.ones(2, 2)}, tmp_path / 'fc.pth')
    failed = run_tool(tmp_path / 'fc.pth', tmp_path / 'out.pth', '--min-match', '0')
    assert failed.returncode == 1
    assert 'no HRNet' in failed.stderr


def test_help_does_not_wait_for_torch():
    code = (
        'import runpy, sys\n'
        f"sys.argv = ['convert_checkpoint.py', '--help']\n"
        'try:\n'
        f'    runpy.run_path({str(TOOL)!r}, run_name="__main__")\n'
        'except SystemExit as end:\n'
        '    assert not end.code\n'
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '--min-match' in done.stdout

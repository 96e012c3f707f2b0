"""The documentation builds without warnings, its links lead somewhere, its commands exist.

Commands are parsed, not run: what they do is tested beside the code that does it. Examples in
Python are run here, or as tests/test_mixing_docs.py and tests/test_gray_images.py say.
"""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from hrnet_ext.doctor.cures import find_cure

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob('*.md'), *(ROOT / 'docs').rglob('*.md')])
FENCE = re.compile(r'^```(\w+)\n(.*?)^```', re.DOTALL | re.MULTILINE)
COMMAND = re.compile(
    r'python tools/[a-z_]+\.py|hrnet-ext [a-z][a-z-]+|mim (?:train|test) hrnet_ext'
)


def test_pages_build_without_warnings(tmp_path):
    pytest.importorskip('sphinx', reason='no Sphinx: pip install -r docs/requirements.txt')
    built = subprocess.run(
        [sys.executable, '-m', 'sphinx', '-W', '--keep-going', '-q', ROOT / 'docs', tmp_path],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert built.returncode == 0, built.stderr
    text = (tmp_path / 'api' / 'export.html').read_text()
    assert 'PoseSession' in text


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page):
    for target in re.findall(r'\]\(([^)\s]+)\)', without_code(page.read_text())):
        if '://' in target:
            continue
        file, _, anchor = target.partition('#')
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors_of(path), target


def test_commands_exist_and_take_these_options(subtests, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    for name in ('DETECTOR.pth', 'POSE.pth', 'coco_mini'):  # the benchmark looks for its files
        (tmp_path / name).touch()
    commands = {command: page for page in PAGES for command in find_commands(page.read_text())}
    assert len(commands) > 40
    for command, page in commands.items():
        with subtests.test(page=page.name, command=command):
            parse(command)


def test_python_examples_are_python():
    for page in PAGES:
        for kind, block in FENCE.findall(page.read_text()):
            if kind == 'python':
                ast.parse(block)


def test_every_page_is_in_the_table_of_contents():
    index = (ROOT / 'docs' / 'index.md').read_text().split()
    api = (ROOT / 'docs' / 'api' / 'index.md').read_text().split()
    for page in (ROOT / 'docs').glob('*.md'):
        assert page.stem == 'index' or page.stem in index
    for page in (ROOT / 'docs' / 'api').glob('*.md'):
        assert page.stem == 'index' or page.stem in api


def test_doctor_explains_the_messages_of_the_page_on_troubleshooting():
    page = (ROOT / 'docs' / 'troubleshooting.md').read_text()
    table = page.partition('## Installation of OpenMMLab')[2].partition('\n## ')[0]
    messages = re.findall(r'^\| `([^`]+)`', table, re.MULTILINE)
    assert len(messages) > 10
    for message in messages:
        assert find_cure(f'ImportError: {message}'), message


def test_the_readme_fits_on_a_page_or_three():
    text = (ROOT / 'README.md').read_text()
    assert len(text.splitlines()) <= 150


def without_code(text: str) -> str:
    return re.sub(r'`[^`\n]+`', '', FENCE.sub('', text))


def anchors_of(path: Path) -> set[str]:
    titles = re.findall(r'^#+ (.+)$', FENCE.sub('', path.read_text()), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', title.lower()).replace(' ', '-') for title in titles}


def find_commands(text: str) -> Iterator[str]:
    """Our commands: in bash blocks, and in tables and sentences if they have arguments."""
    for kind, block in FENCE.findall(text):
        if kind == 'bash':
            for line in block.replace('\\\n', ' ').splitlines():
                if found := COMMAND.search(line):
                    yield line[found.start() :].partition('  #')[0].strip()
    for code in re.findall(r'`([^`\n]+)`', FENCE.sub('', text)):
        found = COMMAND.match(code)
        if found and code[found.end() :].strip() and '...' not in code and ' --cfg ' not in code:
            yield code


def parse(command: str) -> None:
    """Parse a command as its program does; brackets around what is optional are dropped.

    Raises:
        SystemExit: If it has no such option, or not all arguments.
    """
    program, *words = shlex.split(command.replace('[', '').replace(']', '').replace(';', ''))
    if program == 'mim':
        name, _, *words = words
        words = [word for word in words if word != '--checkpoint']
    else:
        name = words.pop(0) if program == 'hrnet-ext' else Path(words.pop(0)).stem
    if name == 'benchmark':
        from benchmarks.options import parse as parse_benchmark

        parse_benchmark(words)
    else:
        module = import_module(f'hrnet_ext.commands.{name.replace("-", "_")}')
        module.make_parser().parse_args(words)

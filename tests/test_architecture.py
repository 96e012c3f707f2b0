"""The package's rooms import each other in one direction only."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / 'hrnet_ext'

# A room imports only rooms of the lines above its own.
LEVELS = (
    'paths',
    # Small helpers that know nothing of poses.
    'arguments atomic_folder cpu_limit devices host_memory host_warnings interrupts own_code '
    'progress reading registry released tf32 writing',
    'safe_loading',
    'cli compat formats precision runtimes',
    'codecs doctor',
    'models evaluation',
    'datasets tracking checkpoints acceleration',
    'visualization conversion',
    'synthetic preparation',
    'export',
    'engine',
    'inference',
    'apis commands',
)


def test_no_import_goes_upwards():
    levels = {room: index for index, rooms in enumerate(LEVELS) for room in rooms.split()}
    upwards = [
        f'{path.relative_to(PACKAGE)} imports {target}'
        for path in sorted(PACKAGE.rglob('*.py'))
        for target in rooms_imported_by(path)
        if target != room_of(path) and levels[target] >= levels[room_of(path)]
    ]
    assert upwards == []


def rooms_imported_by(path: Path) -> Iterator[str]:
    """Rooms that a file imports, inside functions included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == 'hrnet_ext':
            names = [f'hrnet_ext.{alias.name}' for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or '']
        else:
            continue
        for name in names:
            if name.startswith('hrnet_ext.') and name != 'hrnet_ext.__version__':
                yield name.split('.')[1]


def room_of(path: Path) -> str:
    """The folder or module right below the package; the package's own face is above all."""
    return {'__init__': 'apis'}.get(
        name := path.relative_to(PACKAGE).parts[0].removesuffix('.py'), name
    )

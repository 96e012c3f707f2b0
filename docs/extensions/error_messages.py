"""A Sphinx directive: every error message that a user can meet, from the source of the package."""

import ast
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

PACKAGE = Path(__file__).parents[2] / 'hrnet_ext'
ERRORS = {
    'ValueError', 'OSError', 'FileNotFoundError', 'FileExistsError', 'CheckpointError',
    'UnsafeCheckpointError', 'RuntimeError', 'ImportError', 'KeyError', 'TypeError',
    'NotImplementedError',
}  # fmt: skip
LEAST = 15  # characters of text; shorter templates say nothing without their values


class ErrorMessages(Directive):
    """A list of messages for each module; values are shown as ``...``."""

    def run(self) -> list[nodes.Node]:
        found = []
        for path in sorted(PACKAGE.rglob('*.py')):
            messages = sorted(set(messages_of(ast.parse(path.read_text()))))
            if not messages:
                continue
            module = '.'.join(path.relative_to(PACKAGE.parent).with_suffix('').parts)
            section = nodes.section(ids=[nodes.make_id(module)])
            section += nodes.title(text=module.removesuffix('.__init__'))
            items = nodes.bullet_list()
            items += [
                nodes.list_item('', nodes.paragraph('', '', nodes.literal(text=message)))
                for message in messages
            ]
            section += items
            found.append(section)
        return found


def messages_of(tree: ast.AST) -> Iterator[str]:
    """Templates of the messages that a module raises."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = getattr(node.exc.func, 'id', '')
            text = ' '.join(''.join(map(template, node.exc.args[:1])).split())
            if name in ERRORS and len(text.replace('...', '')) >= LEAST:
                yield text


def template(node: ast.AST) -> str:
    """The text of a string expression."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return ''.join(map(template, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return template(node.left) + template(node.right)
    return '...'


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive('error-messages', ErrorMessages)
    return {'parallel_read_safe': True}

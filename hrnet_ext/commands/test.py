"""Evaluate a checkpoint: hrnet-ext test CONFIG [CHECKPOINT] [--out FILE] ..."""

import argparse
from collections.abc import Sequence

from hrnet_ext import cli


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.config_parser('Evaluate a pose model.')
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='path or URL; best or last: that of the work dir; or a file of tools/export.py '
        '(default: the released weights of a shipped config)',
    )
    cli.add_run_arguments(parser)
    parser.add_argument('--out', metavar='FILE', help='write the metrics here (.json, .yaml, .pkl)')
    parser.add_argument('--dump', metavar='FILE.pkl', help='write all predictions here')
    cli.add_optimize_argument(parser, default=None)
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    return cli.parse_run_arguments(make_parser(), arguments)


def run(args: argparse.Namespace) -> None:
    """Build the runner that the arguments describe, and test."""
    from hrnet_ext.engine.launch import test

    test(args)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: run(parse_args(arguments)))

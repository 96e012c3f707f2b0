"""Train a model: hrnet-ext train CONFIG [--work-dir DIR] [--resume] [--amp] ..."""

import argparse
from collections.abc import Sequence

from hrnet_ext import cli


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.config_parser('Train a pose model.')
    cli.add_run_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help="continue from this checkpoint; without a name from the work dir's last one, if any",
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='train in the number format that suits the device: fp16, bf16 or fp32',
    )
    parser.add_argument(
        '--channels-last',
        action='store_true',
        help='memory layout that suits convolutions; results may differ in their last bits',
    )
    parser.add_argument(
        '--compile',
        action='store_true',
        help='train through torch.compile; experimental: slow to begin, never run on a GPU',
    )
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate in between')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by the batch size of all processes / base_batch_size',
    )
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    return cli.parse_run_arguments(make_parser(), arguments)


def run(args: argparse.Namespace) -> None:
    """Build the runner that the arguments describe, and train."""
    from hrnet_ext.engine.launch import train

    train(args)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(
        lambda: run(parse_args(arguments)),
        after_interrupt=f'{cli.program()} --resume continues',
    )

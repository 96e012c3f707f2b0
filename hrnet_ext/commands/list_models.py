"""The released models: hrnet-ext list-models [--dataset coco]"""

import argparse
from collections.abc import Sequence

from hrnet_ext import cli


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='List the models with released weights. PoseInferencer, demo, track, test and '
        'export download the weights of such a config if no others are given. Results are those '
        "of MMPose's model card; the multiply-adds are given in units of 2**30, as in the papers."
    )
    parser.add_argument('--dataset', help='only models of this data set, such as coco')
    parser.add_argument('--urls', action='store_true', help='print the addresses of the weights')
    cli.add_debug_argument(parser)
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    return make_parser().parse_args(arguments)


def run(args: argparse.Namespace) -> str:
    """The table of the released models.

    Raises:
        ValueError: If there is no model of that data set.
    """
    from hrnet_ext.released import released_models
    from hrnet_ext.safe_loading.downloading import cache_path

    models = released_models().values()
    wanted = (args.dataset or '').lower()
    chosen = [model for model in models if wanted in ('', model.dataset.lower())]
    if not chosen:
        known = ', '.join(sorted({model.dataset for model in models}))
        raise ValueError(f'--dataset {args.dataset}: there are models of {known}')
    if args.urls:
        return '\n'.join(f'{model.name} {model.url}' for model in chosen)
    rows = [('name', 'input', 'result', 'parameters', 'multiply-adds', 'downloaded')]
    rows += [
        (
            model.name,
            model.input_size,
            model.describe_result(),
            f'{model.parameters} M',
            f'{model.multiply_adds} G',
            'yes' if cache_path(model.url).is_file() else 'no',
        )
        for model in chosen
    ]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return '\n'.join(
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: print(run(parse_args(arguments))))

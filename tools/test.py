"""Evaluate a checkpoint: python tools/test.py CONFIG CHECKPOINT [--out FILE] ..."""

from hrnet_ext import cli


def main() -> None:
    """Build the runner that the arguments describe, and test."""
    parser = cli.config_parser('Evaluate a pose model.')
    parser.add_argument(
        'checkpoint',
        help='path or URL; best or last: that of the work dir; or a file of tools/export.py',
    )
    cli.add_run_arguments(parser)
    parser.add_argument('--out', metavar='FILE', help='write the metrics here (.json, .yaml, .pkl)')
    parser.add_argument('--dump', metavar='FILE.pkl', help='write all predictions here')
    cli.add_optimize_argument(parser, default=None)
    args = cli.parse_run_arguments(parser)

    from hrnet_ext.engine.launch import test  # after parsing: --help should not wait for PyTorch

    test(args)


if __name__ == '__main__':
    cli.run(main)

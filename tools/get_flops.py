"""Parameters and multiply-adds by part: python tools/get_flops.py CONFIG [--shape HEIGHT WIDTH]"""

from hrnet_ext import cli


def main() -> None:
    """Print the table."""
    parser = cli.config_parser(
        'Parameters and multiply-adds (of convolutions and matrix products, for one image, without '
        'the flip test) by part. The GFLOPs of the HRNet papers are multiply-adds / 2**30.'
    )
    parser.add_argument(
        '--shape',
        nargs=2,
        type=int,
        metavar=('HEIGHT', 'WIDTH'),
        help="size of the input; the codec's where it is left out",
    )
    args = parser.parse_args()

    from hrnet_ext.apis.complexity import PAPER_GFLOP, Complexity, measure_config
    from hrnet_ext.apis.run_config import read_config

    parts = measure_config(read_config(args.config, args.cfg_options), args.shape)
    parts['total'] = sum(parts.values(), Complexity())
    columns = ('parameters / 1e6', 'multiply-adds / 1e9', "papers' GFLOPs")
    print(f'{"part":<18}' + ''.join(f'{column:>21}' for column in columns))
    for name, cost in parts.items():
        print(
            f'{name:<18}{cost.parameters / 1e6:>21.3f}{cost.multiply_adds / 1e9:>21.3f}'
            f'{cost.multiply_adds / PAPER_GFLOP:>21.3f}'
        )


if __name__ == '__main__':
    cli.run(main)

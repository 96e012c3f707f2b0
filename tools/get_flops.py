"""Parameters and multiply-adds: tools/get_flops.py CONFIG [CONFIG ...] [--shape HEIGHT WIDTH]"""

from hrnet_ext import cli


def main() -> None:
    """Print the table."""
    parser = cli.config_parser(
        'Parameters and multiply-adds (of convolutions and matrix products, for one image, without '
        'the flip test) of a config by part, or of several in all. The GFLOPs of the HRNet papers '
        'are multiply-adds / 2**30.'
    )
    parser.add_argument('more', metavar='config', nargs='*', help='more of them: a line for each')
    parser.add_argument(
        '--shape',
        nargs=2,
        type=int,
        metavar=('HEIGHT', 'WIDTH'),
        help="size of the input; the codec's where it is left out",
    )
    args = parser.parse_args()

    from hrnet_ext.engine.run_config import read_config
    from hrnet_ext.inference.complexity import PAPER_GFLOP, Complexity, measure_config

    names = [args.config, *args.more]
    costs = [measure_config(read_config(name, args.cfg_options), args.shape) for name in names]
    totals = {name: sum(parts.values(), Complexity()) for name, parts in zip(names, costs)}
    rows = totals if args.more else {**costs[0], 'total': totals[args.config]}
    width = max(18, *map(len, rows))
    columns = ('parameters / 1e6', 'multiply-adds / 1e9', "papers' GFLOPs")
    first = 'config' if args.more else 'part'
    print(f'{first:<{width}}' + ''.join(f'{column:>21}' for column in columns))
    for name, cost in rows.items():
        print(
            f'{name:<{width}}{cost.parameters / 1e6:>21.3f}{cost.multiply_adds / 1e9:>21.3f}'
            f'{cost.multiply_adds / PAPER_GFLOP:>21.3f}'
        )


if __name__ == '__main__':
    cli.run(main)

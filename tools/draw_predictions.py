"""Ground truth and prediction side by side: python tools/draw_predictions.py CONFIG DUMP.pkl"""

from hrnet_ext import cli
from hrnet_ext.arguments import positive, share


def main() -> None:
    """Draw, and say where they are."""
    parser = cli.config_parser(
        'Draw ground truth (left) and prediction (right) of a test, a PNG an image and a sheet. '
        "A person's left side is blue, the right side orange, the middle yellow."
    )
    parser.add_argument('dump', help='what tools/test.py --dump wrote')
    parser.add_argument('--out-dir', default='pictures', help='folder for them (%(default)s)')
    parser.add_argument('--num-images', type=positive, default=12, help='at most (%(default)s)')
    parser.add_argument(
        '--min-score', type=share, default=0.2, help='of a predicted keypoint (%(default)s)'
    )
    args = parser.parse_args()

    from hrnet_ext.engine.run_config import read_config
    from hrnet_ext.inference.draw_dump import draw_dump

    sheet, *drawings = draw_dump(
        read_config(args.config, args.cfg_options),
        args.dump,
        args.out_dir,
        num_images=args.num_images,
        min_score=args.min_score,
    )
    print(f'{len(drawings)} drawings in {args.out_dir}, all of them on {sheet}')


if __name__ == '__main__':
    cli.run(main)

"""Detect people with any MMDetection detector, and write their boxes as a `bbox_file`."""

from pathlib import Path

from hrnet_ext import cli
from hrnet_ext.arguments import number, positive, share


def main() -> None:
    """Detect, and tell how many boxes there are."""
    parser = cli.config_parser(
        'Detect people in the images of a data set and write their boxes as a bbox_file. CONFIG '
        'is a detector of MMDetection: a file, or the name of one it ships. Interrupted, the '
        'same command goes on where it stopped.'
    )
    parser.add_argument('checkpoint', help="the detector's weights: path or URL")
    parser.add_argument(
        '--ann', required=True, metavar='FILE', help='annotations of COCO, PoseTrack18 or MPII'
    )
    parser.add_argument(
        '--img-root', required=True, metavar='DIR', help='folder that its image names start from'
    )
    parser.add_argument('--out', required=True, type=Path, metavar='FILE', help='JSON to write')
    parser.add_argument(
        '--score-thr', type=share, default=0.05, help='least score of a box (%(default)s)'
    )
    parser.add_argument(
        '--nms-thr',
        type=share,
        help='of boxes with a higher IoU keep the best; without it the detector decides',
    )
    parser.add_argument(
        '--person-class', default='person', help='what the detector calls people (%(default)s)'
    )
    parser.add_argument(
        '--batch-size', type=positive, default=8, help='images in a forward pass (%(default)s)'
    )
    parser.add_argument(
        '--num-workers',
        type=number(int, 0),
        default=1,
        help='processes that read images (%(default)s)',
    )
    parser.add_argument('--device', help='cuda:0, cpu, ... (a GPU if there is one)')
    parser.add_argument('--overwrite', action='store_true', help='replace FILE if it is there')
    args = parser.parse_args()
    if args.out.exists() and not args.overwrite:
        parser.error(f'{args.out} exists; --overwrite replaces it')

    from hrnet_ext.inference.bbox_file import detect_people

    print(f'{detect_people(args)} boxes in {args.out}')


if __name__ == '__main__':
    cli.run(main, after_interrupt='the same command goes on')

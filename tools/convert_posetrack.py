"""Merge PoseTrack's files for training, take results apart for submission, or evaluate them."""

import argparse
import sys
from pathlib import Path

from hrnet_ext import cli

EPILOG = """examples:
  convert_posetrack.py merge data/posetrack18/annotations/val --images data/posetrack18 \\
      --out data/posetrack18/annotations/posetrack18_val.json
  convert_posetrack.py split results.keypoints.json --ann posetrack18_val.json --out predictions
  convert_posetrack.py evaluate data/posetrack18/annotations/val predictions"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    _add_merge(commands)
    _add_split(commands)
    _add_evaluate(commands)
    args = parser.parse_args()
    out = args.out if args.command != 'split' else None
    if out and out.exists() and not args.force:
        parser.error(f'{out} exists; --force overwrites it')
    return args


def _add_merge(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands, 'merge', "the videos' files of a split -> one file, which data sets read"
    )
    parser.add_argument(
        'videos',
        type=Path,
        metavar='FOLDER',
        help="with a JSON file per video, PoseTrack18's or PoseTrack17's (converted on the way)",
    )
    parser.add_argument(
        '--images',
        type=Path,
        required=True,
        metavar='ROOT',
        help="folder that the files' image names are relative to; sizes are read from images",
    )
    parser.add_argument('--out', type=Path, required=True, metavar='FILE', help='file to write')
    parser.add_argument(
        '--unchecked',
        action='store_true',
        help='do not check what evaluation alone needs: head boxes, ignore regions, tracks',
    )


def _add_split(commands: argparse._SubParsersAction) -> None:
    parser = _add(commands, 'split', 'a merged file, or results on it -> a file per video')
    parser.add_argument(
        'file', type=Path, metavar='FILE', help="merged file, or keypoint results in COCO's format"
    )
    parser.add_argument(
        '--ann', type=Path, metavar='FILE', help='for results: the merged annotations they are of'
    )
    parser.add_argument('--out', type=Path, required=True, metavar='FOLDER', help='folder to make')


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    parser = _add(commands, 'evaluate', "AP, and MOTA where there are tracks: poseval's numbers")
    parser.add_argument(
        'gt', type=Path, metavar='GT', help='folder with a file per video, or a merged file'
    )
    parser.add_argument(
        'pred', type=Path, metavar='PRED', help='predictions likewise, under the same names'
    )
    parser.add_argument(
        '--definitions',
        action='store_true',
        help="count by the metrics' definitions instead of as poseval does",
    )
    parser.add_argument('--out', type=Path, metavar='FILE', help='JSON file to write all values to')


def _add(commands: argparse._SubParsersAction, name: str, purpose: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=purpose, description=purpose)
    parser.add_argument('--force', action='store_true', help='replace what is at --out')
    cli.add_debug_argument(parser)
    return parser


def merge(args: argparse.Namespace) -> None:
    from hrnet_ext.conversion.posetrack_files import merge_folder

    def progress(done: int, total: int) -> None:
        end = '\n' if done == total else ''
        if sys.stderr.isatty():
            print(f'\r{done}/{total} videos', end=end, file=sys.stderr, flush=True)

    counts = merge_folder(
        args.videos, args.images, args.out, checked=not args.unchecked, progress=progress
    )
    print(f'{args.out}: ' + ', '.join(f'{number} {name}' for name, number in counts.items()))


def split(args: argparse.Namespace) -> None:
    from hrnet_ext.conversion.posetrack_split import split_file

    number = split_file(args.file, args.out, annotations=args.ann, replace=args.force)
    print(f'{args.out}: {number} videos')


def evaluate(args: argparse.Namespace) -> None:
    from hrnet_ext.evaluation.posetrack import evaluate_posetrack, format_posetrack
    from hrnet_ext.formats.posetrack.sequences import read_sequences
    from hrnet_ext.writing import write_json

    gt = read_sequences(args.gt, 'ground truth')
    pred = read_sequences(args.pred, 'predictions')
    result = evaluate_posetrack(gt, pred, strict_poseval=not args.definitions)
    if args.out:
        write_json(args.out, result, indent=2)
    print(format_posetrack(result))
    print(f'{result["num_frames"]} annotated frames of {result["num_sequences"]} sequences, in %')


def main() -> None:
    args = parse_args()
    {'merge': merge, 'split': split, 'evaluate': evaluate}[args.command](args)


if __name__ == '__main__':
    cli.run(main)

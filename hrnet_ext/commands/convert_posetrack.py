"""Merge PoseTrack's files for training, split results for submission, or evaluate them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hrnet_ext import cli
from hrnet_ext.arguments import add_overwrite_argument

EPILOG = """examples:
  %(prog)s merge data/posetrack18/annotations/val --images data/posetrack18 \\
      --out data/posetrack18/annotations/posetrack18_val.json
  %(prog)s split results.keypoints.json --ann posetrack18_val.json --out predictions
  %(prog)s evaluate data/posetrack18/annotations/val predictions"""


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    _add_merge(commands)
    _add_split(commands)
    _add_evaluate(commands)
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    parser = make_parser()
    args = parser.parse_args(arguments)
    out = args.out if args.command != 'split' else None
    if out and out.exists() and not args.overwrite:
        parser.error(f'{out} exists; --overwrite replaces it')
    return args


def _add_merge(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands, 'merge', "merge a split's files, one per video, into one that data sets read"
    )
    parser.add_argument(
        'videos',
        type=Path,
        metavar='FOLDER',
        help='folder with one JSON file per video, of PoseTrack18 or PoseTrack17 (converted)',
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
    parser = _add(commands, 'split', 'split a merged file, or results on it: a file per video')
    parser.add_argument(
        'file', type=Path, metavar='FILE', help="merged file, or keypoint results in COCO's format"
    )
    parser.add_argument(
        '--ann',
        type=Path,
        metavar='FILE',
        help='for results: the merged file of their frames',
    )
    parser.add_argument('--out', type=Path, required=True, metavar='FOLDER', help='folder to make')


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    parser = _add(commands, 'evaluate', "compute poseval's AP, and MOTA if there are tracks")
    parser.add_argument(
        'gt', type=Path, metavar='GT', help='folder with a file per video, or a merged file'
    )
    parser.add_argument(
        'pred',
        type=Path,
        metavar='PRED',
        help='predictions, with the same file names',
    )
    parser.add_argument(
        '--definitions',
        action='store_true',
        help="compute by the metrics' definitions instead of as poseval does",
    )
    parser.add_argument('--out', type=Path, metavar='FILE', help='JSON file to write all values to')


def _add(commands: argparse._SubParsersAction, name: str, purpose: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=purpose, description=purpose)
    add_overwrite_argument(parser, 'replace what is at --out')
    cli.add_debug_argument(parser)
    return parser


def merge(args: argparse.Namespace) -> None:
    """Merge a split's files, and print the numbers of videos, frames and people."""
    from hrnet_ext.conversion.posetrack_merge import merge_folder

    def progress(done: int, total: int) -> None:
        end = '\n' if done == total else ''
        if sys.stderr.isatty():
            print(f'\r{done}/{total} videos', end=end, file=sys.stderr, flush=True)

    counts = merge_folder(
        args.videos, args.images, args.out, checked=not args.unchecked, progress=progress
    )
    print(f'{args.out}: ' + ', '.join(f'{number} {name}' for name, number in counts.items()))


def split(args: argparse.Namespace) -> None:
    """Split a merged file or results, and print the number of videos."""
    from hrnet_ext.conversion.posetrack_split import split_file

    number = split_file(args.file, args.out, annotations=args.ann, replace=args.overwrite)
    print(f'{args.out}: {number} videos')


def evaluate(args: argparse.Namespace) -> None:
    """Evaluate predictions, and print the table."""
    from hrnet_ext.evaluation.posetrack import evaluate_posetrack, format_posetrack
    from hrnet_ext.formats.posetrack.reading import read_sequences
    from hrnet_ext.writing import write_json

    gt = read_sequences(args.gt, 'ground truth')
    pred = read_sequences(args.pred, 'predictions')
    result = evaluate_posetrack(gt, pred, strict_poseval=not args.definitions)
    if args.out:
        write_json(args.out, result, indent=2)
    print(format_posetrack(result))
    print(f'{result["num_frames"]} annotated frames of {result["num_sequences"]} sequences, in %')


def run(args: argparse.Namespace) -> None:
    """Run the subcommand."""
    {'merge': merge, 'split': split, 'evaluate': evaluate}[args.command](args)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: run(parse_args(arguments)))

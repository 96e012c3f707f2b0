"""Convert MPII: its annotations (.mat) into ours, our test-set predictions into a submission."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hrnet_ext import cli
from hrnet_ext.arguments import add_overwrite_argument

if TYPE_CHECKING:
    from hrnet_ext.conversion.mpii_release import Release


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    _add_annotations(commands)
    _add_submission(commands)
    for command in commands.choices.values():
        add_overwrite_argument(command, 'replace files that are there')
        cli.add_debug_argument(command)
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    return make_parser().parse_args(arguments)


def _add_annotations(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        'annotations',
        help='write mpii_{train,val,trainval,test}.json with head boxes',
        description='Write mpii_train.json, mpii_val.json, mpii_trainval.json and mpii_test.json '
        'from mpii_human_pose_v1_u12_1.mat: 0-based, with head boxes, so that PCKh needs no other '
        'file. Takes about a minute.',
    )
    parser.add_argument('mat', metavar='MAT', help='mpii_human_pose_v1_u12_1.mat')
    parser.add_argument(
        '--images-val',
        metavar='FILE',
        help="the validation split: a text file of image names, one per line, or Tompson's "
        'detections.mat, which names the 2,958 people on whom papers validate; without it '
        'all people are for training, and there is no mpii_val.json',
    )
    parser.add_argument('--out', metavar='DIR', type=Path, required=True, help='folder to write to')
    parser.add_argument(
        '--single-person-only', action='store_true', help='leave out people close to others'
    )


def _add_submission(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        'submission',
        help="write the file that MPII's test server evaluates",
        description='Write pred_keypoints_mpii.mat from predictions on mpii_test.json, made by '
        'tools/test.py CONFIG CHECKPOINT --cfg-options '
        'test_dataloader.dataset.ann_file=annotations/mpii_test.json '
        'test_evaluator.format_only=True test_evaluator.outfile_prefix=FOLDER/NAME',
    )
    parser.add_argument('predictions', metavar='PREDICTIONS', help='NAME.predictions.json')
    parser.add_argument('mat', metavar='MAT', help='mpii_human_pose_v1_u12_1.mat')
    parser.add_argument(
        '--out', metavar='FILE', type=Path, default=Path('pred_keypoints_mpii.mat'), help='the file'
    )


def _check_free(paths: list[Path], args: argparse.Namespace) -> None:
    taken = [str(path) for path in paths if path.exists()]
    if taken and not args.overwrite:
        raise ValueError(f'there is already {", ".join(taken)}; --overwrite replaces it')


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _read(mat: str) -> 'Release':
    from hrnet_ext.conversion.mpii_release import VERSION, read_release

    _say(f'reading {mat}, about half a minute')
    release = read_release(mat)
    _say(f'{len(release.names)} images, {release.is_train.sum()} of them for training')
    if release.version != VERSION:
        _say(f'note: RELEASE.version is {release.version!r}, but known is {VERSION!r}')
    return release


def convert_annotations(args: argparse.Namespace) -> None:
    """Write the release's annotations in our form, and print what became of its people."""
    from hrnet_ext.conversion import mpii_annotations as annotations
    from hrnet_ext.conversion.mpii_split import read_split

    paths = {part: annotations.annotation_path(args.out, part) for part in annotations.PARTS}
    _check_free(list(paths.values()), args)
    if not args.images_val and paths['val'].exists():
        raise ValueError(f'{paths["val"]} is of an earlier split; remove it or give --images-val')
    split = read_split(args.images_val) if args.images_val else None
    release = _read(args.mat)
    conversion = annotations.convert_release(
        release, split, single_person_only=args.single_person_only
    )
    source = f'made from {Path(args.mat).name}'
    held_back = f', split by {Path(args.images_val).name}' if split else ', not split'
    annotations.write_annotations(args.out, conversion, source + held_back)
    print(annotations.describe(conversion, args.out))


def convert_predictions(args: argparse.Namespace) -> None:
    """Write test-set predictions in the form that MPII's server evaluates."""
    from hrnet_ext.conversion import mpii_submission as submission

    _check_free([args.out], args)
    predictions = submission.read_predictions(args.predictions)
    release = _read(args.mat)
    filled = submission.fill_in(release, predictions)
    _say(f'writing {args.out}, about half a minute')
    submission.write_submission(args.out, filled)
    num_single = len(submission.single_people(release))
    print(f'{args.out}: {num_single} single people of {filled.size} test images')
    if len(predictions) > num_single:
        print(f'left out: {len(predictions) - num_single} people who are not single')


def run(args: argparse.Namespace) -> None:
    """Run the subcommand."""
    {'annotations': convert_annotations, 'submission': convert_predictions}[args.command](args)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: run(parse_args(arguments)))

"""Arguments that several commands share, and checks between them; imports nothing heavy."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

DEFAULT_MODEL = 'hrnet_w32_coco'  # of the demo


def number(kind: type, least: float, most: float = float('inf')) -> Callable[[str], float]:
    """A function that parses a number within limits, for ``type=``.

    Args:
        kind: ``int`` or ``float``.
        least: Minimum.
        most: Maximum.
    """
    name = 'a whole number' if kind is int else 'a number'
    limits = f'from {least:g}' + (f' to {most:g}' if most != float('inf') else '')

    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = float('nan')
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f'should be {name} {limits}, but is {text}')
        return value

    return parse


def share(text: str) -> float:
    """Parse a number from 0 to 1, for ``type=``."""
    return number(float, 0, 1)(text)


def positive(text: str) -> int:
    """Parse a positive integer, for ``type=``."""
    return number(int, 1)(text)


class OldSpelling(argparse.Action):
    """A renamed option; the former name still works, with a warning.

    Args:
        new: The option that replaces it, as the user should type it.
        const: The value that the old option stands for.
    """

    def __init__(
        self, option_strings: list[str], dest: str, *, new: str, const: object, **_: object
    ) -> None:
        super().__init__(
            option_strings,
            dest,
            nargs=0,
            const=const,
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )
        self._new = new

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, self.const)
        print(
            f'warning: {option_string} is now {self._new}; {option_string} will be removed in the '
            'next release',
            file=sys.stderr,
        )


def add_device_argument(parser: argparse._ActionsContainer) -> None:
    """``--device``."""
    parser.add_argument('--device', help='cuda:0, cpu, ... (default: a GPU if there is one)')


def add_checkpoint_argument(parser: argparse._ActionsContainer, more: str = '') -> None:
    """``--checkpoint`` of the pose model.

    Args:
        parser: Gets the option.
        more: What else it may be.
    """
    parser.add_argument(
        '--checkpoint',
        help='its weights: path or URL (default: the released weights of a shipped config)' + more,
    )


def add_settings_argument(
    parser: argparse._ActionsContainer, option: str, description: str
) -> None:
    """An option that accepts KEY=VALUE any number of times."""
    parser.add_argument(
        option, nargs='+', action='extend', default=[], metavar='KEY=VALUE', help=description
    )


def add_overwrite_argument(parser: argparse.ArgumentParser, description: str) -> None:
    """``--overwrite``, and its former name ``--force``."""
    parser.add_argument('--overwrite', action='store_true', help=description)
    parser.add_argument(
        '--force', action=OldSpelling, dest='overwrite', new='--overwrite', const=True
    )


def add_people_arguments(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """The ways to find persons, for demo and tracking; returns the group of arguments."""
    people = parser.add_argument_group('how to find persons (one of these)')
    people.add_argument(
        '--detector',
        metavar='CONFIG',
        help='of MMDetection: a config file, the name of a shipped config, or the name of a model '
        "in its zoo, which has weights (default: RTMDet-m, MMPose's detector for persons)",
    )
    people.add_argument('--detector-checkpoint', metavar='FILE', help='its weights: path or URL')
    people.add_argument(
        '--det-cat-ids',
        type=number(int, 0),
        nargs='+',
        metavar='LABEL',
        help='its labels of people, if it has no class `person`',
    )
    people.add_argument(
        '--bboxes', metavar='FILE',
        help='JSON: COCO results or annotations, {"file name": boxes}, or a list of boxes for each '
        'image or frame',
    )  # fmt: skip
    people.add_argument('--whole-image', action='store_true', help='one person fills each image')
    return people


def check_people_arguments(args: argparse.Namespace) -> None:
    """Check that at most one way to find persons is given.

    Raises:
        ValueError: If there is more than one, or a detector's weights are missing.
    """
    ways = ('--detector', '--bboxes', '--whole-image')
    given = [name for name in ways if is_given(args, name)]
    if len(given) > 1:
        raise ValueError(f'{" and ".join(given)} exclude each other')
    if args.detector and os.path.isfile(args.detector) and not args.detector_checkpoint:
        raise ValueError(f'--detector {args.detector} needs its --detector-checkpoint')
    refuse_unused(args, {'--det-cat-ids': '--detector', '--detector-checkpoint': '--detector'})


def named_detector(args: argparse.Namespace) -> str | None:
    """The detector for an inferencer: a name, ``'whole_image'``, or None for the default one."""
    return args.detector or ('whole_image' if args.whole_image or args.bboxes else None)


def refuse_unused(args: argparse.Namespace, needs: Mapping[str, str]) -> None:
    """Reject options that would be ignored.

    Args:
        args: The arguments.
        needs: Options, each with the option that it requires.

    Raises:
        ValueError: If an option is given without the one that it requires.
    """
    for option, needed in needs.items():
        if is_given(args, option) and not is_given(args, needed):
            raise ValueError(
                f'{option} has no effect without {needed}; add {needed}, or omit {option}'
            )


def is_given(args: argparse.Namespace, option: str) -> bool:
    """Whether an option without a default was given."""
    value: Any = getattr(args, option.removeprefix('--').replace('-', '_'))
    return not (value is None or value is False or value == [])

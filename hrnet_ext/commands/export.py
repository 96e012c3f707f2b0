"""Write a pose model as one file that needs no PyTorch: crops in, keypoints and scores out."""

import argparse
from collections.abc import Sequence

from hrnet_ext import cli
from hrnet_ext.arguments import OldSpelling, positive

FORMATS = ('onnx', 'openvino', 'torchscript', 'torch-export')
PRECISIONS = ('fp32', 'fp16', 'bf16', 'int8')


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.config_parser(
        'Write a pose model as one file: network, flip test and decoding in one graph, batch of '
        'any size. The file is loaded by its backend and compared with PyTorch; one that differs '
        'is not kept. hrnet_ext.export.runtime.PoseSession runs it with numpy, OpenCV and ONNX '
        'Runtime or OpenVINO alone.'
    )
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='its weights: path or URL (default: the released weights of a shipped config)',
    )
    parser.add_argument('--format', choices=FORMATS, default='onnx', help='(%(default)s)')
    parser.add_argument(
        '--out',
        metavar='FILE',
        help='.onnx, .xml (with a .bin beside it), .torchscript or .pt2 '
        '(work_dirs/export/CONFIG.*)',
    )
    graph = parser.add_argument_group('graph')
    graph.add_argument(
        '--with-normalize',
        action='store_true',
        help='take crops (B, H, W, 3) uint8 BGR and normalize them in the graph; else it takes '
        'images (B, 3, H, W) float32, normalized (PoseSession does it)',
    )
    graph.add_argument(
        '--flip-test', action='store_true', help='average with the mirrored crop: twice the work'
    )
    graph.add_argument(
        '--with-heatmaps', action='store_true', help='add the heatmaps as third output'
    )
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument(
        '--precision',
        choices=PRECISIONS,
        default='fp32',
        help='fp16 (onnx, openvino): weights stored in 16 bits; OpenVINO then computes in the half '
        'precision of the device, ONNX Runtime in fp32. bf16 (torchscript, torch-export): the '
        'network computes in bf16. int8 (onnx, openvino): weights and activations in 8 bits, '
        'calibrated with the training data set; head and decoding stay in fp32 (%(default)s)',
    )
    for old, new, value in (
        ('--half', '--precision fp16, or bf16 for the formats of PyTorch', 'half'),
        ('--int8', '--precision int8', 'int8'),
    ):
        precision.add_argument(old, action=OldSpelling, dest='precision', new=new, const=value)
    check = parser.add_argument_group('crops')
    check.add_argument(
        '--calibration-crops', type=positive, metavar='N', help='for --precision int8 (128)'
    )
    check.add_argument(
        '--check-crops', type=positive, default=8, metavar='N',
        help='people to compare on, of the test data set or rendered (%(default)s)',
    )  # fmt: skip
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments.

    Raises:
        ValueError: If an option would be ignored.
    """
    args = make_parser().parse_args(arguments)
    if args.calibration_crops is not None and args.precision != 'int8':
        raise ValueError(
            '--calibration-crops has no effect without --precision int8; add that, or omit '
            '--calibration-crops'
        )
    return args


def run_export(args: argparse.Namespace) -> str:
    """Export a model.

    Returns:
        What was written, and how far it is from PyTorch, for people to read.

    Raises:
        ValueError: If config and checkpoint do not match, the format lacks an operator, or the
            file does not do what the model does; then it is not kept.
        OSError: If a file is missing or cannot be written.
        ImportError: If a package that the format needs is not installed.
    """
    from hrnet_ext.engine.run_config import find_checkpoint, read_config
    from hrnet_ext.export.exporter import check_format, export_file, path_of
    from hrnet_ext.export.formats import FORMATS
    from hrnet_ext.export.model import load_model
    from hrnet_ext.released import released_weights
    from hrnet_ext.writing import check_writable

    target = FORMATS[args.format]
    # 'half' is what --half asked for
    precision = target.precisions[1] if args.precision == 'half' else args.precision
    check_format(target, precision)
    cfg = read_config(args.config, args.cfg_options)
    path = path_of(args.out, cfg, target)
    check_writable(path.parent)
    return export_file(
        cfg,
        load_model(cfg, find_checkpoint(args.checkpoint or released_weights(cfg.filename), '')),
        target,
        path,
        precision=precision,
        normalizes=args.with_normalize,
        flip_test=args.flip_test,
        with_heatmaps=args.with_heatmaps,
        num_check=args.check_crops,
        num_calibration=args.calibration_crops,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake ends with one line."""
    cli.run(lambda: print(run_export(parse_args(arguments))))

"""Train a model: python tools/train.py CONFIG [--work-dir DIR] [--resume] [--amp] ..."""

from hrnet_ext import cli


def main() -> None:
    """Build the runner that the arguments describe, and train."""
    parser = cli.config_parser('Train a pose model.')
    cli.add_run_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help="continue from this checkpoint; without a name from the work dir's last one, if any",
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='train in the number format that suits the device: fp16, bf16 or fp32',
    )
    parser.add_argument(
        '--channels-last',
        action='store_true',
        help='memory layout that suits convolutions; results may differ in their last bits',
    )
    parser.add_argument(
        '--compile',
        action='store_true',
        help='train through torch.compile; experimental: slow to begin, never run on a GPU',
    )
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate in between')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by the batch size of all processes / base_batch_size',
    )
    args = cli.parse_run_arguments(parser)

    from hrnet_ext.engine.launch import train  # after parsing: --help should not wait for PyTorch

    train(args)


if __name__ == '__main__':
    cli.run(main, after_interrupt='train.py --resume continues')

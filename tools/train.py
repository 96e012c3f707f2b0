"""Train a model: python tools/train.py CONFIG [--work-dir DIR] [--resume] [--amp] ..."""

from hrnet_ext.commands.train import main

if __name__ == '__main__':
    main()

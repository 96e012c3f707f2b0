"""Evaluate a checkpoint: python tools/test.py CONFIG CHECKPOINT [--out FILE] ..."""

from hrnet_ext.commands.test import main

if __name__ == '__main__':
    main()

"""Prepare your own data: python tools/prepare_dataset.py TRAIN.json IMAGES --out CONFIG.py"""

from hrnet_ext.commands.prepare_dataset import main

if __name__ == '__main__':
    main()

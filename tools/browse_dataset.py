"""Samples as the network sees them: python tools/browse_dataset.py CONFIG [--with-targets]"""

from hrnet_ext.commands.browse_dataset import main

if __name__ == '__main__':
    main()

"""Parameters and multiply-adds: python tools/get_flops.py CONFIG [CONFIG ...]"""

from hrnet_ext.commands.get_flops import main

if __name__ == '__main__':
    main()

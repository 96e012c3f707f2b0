"""Convert released weights of HRNet: python tools/convert_checkpoint.py IN OUT"""

from hrnet_ext.commands.convert_checkpoint import main

if __name__ == '__main__':
    main()

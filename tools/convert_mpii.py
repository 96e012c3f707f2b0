"""Convert MPII's files: python tools/convert_mpii.py annotations|submission ..."""

from hrnet_ext.commands.convert_mpii import main

if __name__ == '__main__':
    main()

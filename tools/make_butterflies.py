"""Render the toy data set that docs/mixing.md trains on: python tools/make_butterflies.py OUT"""

from hrnet_ext.commands.make_butterflies import main

if __name__ == '__main__':
    main()

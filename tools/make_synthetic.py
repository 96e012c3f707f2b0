"""Render a data set of people: python tools/make_synthetic.py OUT [--layout LAYOUT] ..."""

import sys

from hrnet_ext.commands.make_synthetic import main

if __name__ == '__main__':
    sys.exit(main())

"""Examine the installation: python tools/doctor.py [--explain MESSAGE]"""

import sys
from pathlib import Path

# From a checkout, installed or not: doctor is called where installing went wrong.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hrnet_ext.commands.doctor import main

if __name__ == '__main__':
    sys.exit(main())

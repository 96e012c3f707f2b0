"""Examine the installation: hrnet-ext doctor [--explain MESSAGE]"""

from hrnet_ext.doctor.__main__ import main, make_parser

__all__ = ['main', 'make_parser']

"""Sphinx configuration: ``pip install -r docs/requirements.txt; sphinx-build -W docs site``."""

import sys
from pathlib import Path

import hrnet_ext

sys.path.insert(0, str(Path(__file__).parent / 'extensions'))

project = 'hrnet_ext'
author = 'The hrnet_ext authors'
copyright = '2026, the hrnet_ext authors'
version = release = hrnet_ext.__version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'sphinx_copybutton',
    'error_messages',
]
exclude_patterns = ['_build', 'requirements.txt']

myst_enable_extensions = ['colon_fence']
myst_heading_anchors = 3

autodoc_member_order = 'bysource'
autodoc_typehints = 'signature'
autodoc_default_options = {'show-inheritance': True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = 'furo'
html_title = 'hrnet_ext'
copybutton_exclude = '.linenos, .gp, .go'

"""Rendered images and videos of articulated people, with annotations.

Each module imports only those to its left and above::

    people     skeleton -> pose; shapes -> canvas -> appearance -> figure
    images     background -> scene -> render
    videos     video/: motion; camera -> people -> video
    files      spec -> layouts -> manifest -> writer

The modules need numpy, OpenCV and pycocotools; nothing here imports torch or OpenMMLab.
"""

from hrnet_ext.synthetic.layouts import make_spec
from hrnet_ext.synthetic.spec import SyntheticSpec, VideoSpec
from hrnet_ext.synthetic.writer import generate

__all__ = ['SyntheticSpec', 'VideoSpec', 'generate', 'make_spec']

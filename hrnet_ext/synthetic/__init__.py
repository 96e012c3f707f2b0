"""Images and videos of articulated people, rendered with their annotations: data by itself.

From the figure to the file, each module knowing only those before it::

    people     skeleton -> pose; shapes -> canvas -> appearance -> flesh -> figure
    images   background -> scene -> render
    videos     video: gait, ... -> video
    files      spec -> layouts -> manifest; atomic, parallel -> writer

The modules need numpy, OpenCV and pycocotools; nothing here imports torch or OpenMMLab.
"""

from hrnet_ext.synthetic.layouts import make_spec
from hrnet_ext.synthetic.spec import SyntheticSpec, VideoSpec
from hrnet_ext.synthetic.writer import generate

__all__ = ['SyntheticSpec', 'VideoSpec', 'generate', 'make_spec']

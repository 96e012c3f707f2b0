"""Pictures of articulated people, rendered with their annotations: a data set without a download.

From the figure to the file, each module knowing only those before it::

    people     skeleton -> pose; shapes -> canvas -> appearance -> flesh -> figure
    pictures   background -> scene -> render
    files      coco_layout, atomic, parallel, spec -> writer

The modules need numpy, OpenCV and pycocotools; nothing here imports torch or OpenMMLab.
"""

from hrnet_ext.datasets.synthetic.spec import SyntheticSpec
from hrnet_ext.datasets.synthetic.writer import generate

__all__ = ['SyntheticSpec', 'generate']

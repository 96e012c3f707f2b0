"""Out of the framework: a trained pose model as one file, and what runs it without PyTorch.

    crops --(normalise)--> network --(flip test)--> heatmaps --(decode)--> keypoints, scores

all inside of the file. On the way out, each module knowing only those before it::

    metadata -> graph -> formats, quantize -> check -> exporter

and to run it, needing numpy, OpenCV and one of ONNX Runtime and OpenVINO::

    metadata, crops, inputs, engines -> runtime

``estimator`` lets a file take the place of a model in MMPose's test loop and inferencers.

Legend: B crops; K keypoints; crops (B, H, W, 3) uint8 BGR; images (B, 3, H, W) float32,
normalised; ``input_size`` is (w, h). Importing this package costs nothing.
"""

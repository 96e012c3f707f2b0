"""Export a trained pose model to one file, and run that file without PyTorch.

    crops --(normalize)--> network --(flip test)--> heatmaps --(decode)--> keypoints, scores

All steps are inside the file. Modules for export, each importing only those before it::

    metadata -> graph -> formats, quantize -> check -> exporter

Modules to run the file, which need numpy, OpenCV and either ONNX Runtime or OpenVINO::

    metadata, crops, inputs, engines -> runtime

``estimator`` lets a file take the place of a model in MMPose's test loop and inferencers.

Legend: B crops; K keypoints; crops (B, H, W, 3) uint8 BGR; images (B, 3, H, W) float32,
normalized; ``input_size`` is (w, h). Importing this package imports nothing else.
"""

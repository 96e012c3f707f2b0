"""ONNX Runtime and OpenVINO, for exported files and for models in memory alike.

Its modules import neither PyTorch nor OpenMMLab, except ``to_onnx``, which begins with them.
"""

"""Networks as files that other runtimes read."""

from canthus.export.onnx import export_onnx

__all__ = ["export_onnx"]

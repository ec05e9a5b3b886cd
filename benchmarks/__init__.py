"""Measurements behind every figure in docs/benchmarks.md: ``python -m benchmarks quality``."""

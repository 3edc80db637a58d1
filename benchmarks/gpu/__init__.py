"""``python -m benchmarks.gpu``: proof and benchmark on the GPU at hand, in one command."""

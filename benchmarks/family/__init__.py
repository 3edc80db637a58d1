"""Every registered measure, beside the libraries that compute the same value:
``python -m benchmarks.family --help``.
"""

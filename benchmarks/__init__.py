"""Time and memory of our losses beside the other libraries'; ``python -m benchmarks --help``, and
README.md for how it is measured.
"""

"""Time and memory of our losses compared with other libraries: ``python -m benchmarks --help``.

README.md describes how they are measured.
"""

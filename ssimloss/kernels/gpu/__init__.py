"""The Triton kernels: local moments of two images, and what equations make of them.

``walk.py`` runs on the GPU, with the parts of a row in ``rows.py`` and an equation of
``equations.py``; ``decimation.py`` halves planes. ``launch.py`` starts them, ``machine.py`` tells
where they run, and ``trials.py`` how they prove themselves.
"""

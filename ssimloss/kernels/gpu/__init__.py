"""The Triton kernels: local moments of two images, and equations of these moments.

``walk.py`` is the kernel. It uses the functions for rows in ``rows.py`` and an equation of
``equations.py``; ``decimation.py`` halves planes. ``launch.py`` starts them, ``machine.py`` checks
where they run, and ``trials.py`` defines their proof.
"""

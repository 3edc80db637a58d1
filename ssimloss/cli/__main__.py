"""``python -m ssimloss.cli``, for launchers of modules:
``torchrun --nproc-per-node 2 -m ssimloss.cli evaluate ...``.
"""

from ssimloss.cli import main

if __name__ == "__main__":
    main()

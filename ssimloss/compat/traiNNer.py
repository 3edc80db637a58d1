"""Importing this module adds the losses of this library to the registry of traiNNer-redux.

See ``docs/drop_ins.md``.
"""

from ssimloss.compat._registry import register

register("traiNNer", "traiNNer-redux", "install it from its repository", weighs=False)

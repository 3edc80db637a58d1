"""Parts shared by all training scripts: atomic files, checkpoints that continue exactly, values and
their history, the progress bar, tables, options.
"""

"""What all trainings here share: whole files, checkpoints that continue exactly, values and their
history, the bar, tables, options.
"""

"""The study of what a second loss adds to a first; run by ``added_loss_study.py``."""

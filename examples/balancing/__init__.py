"""The study of how the weights of several losses are chosen; run by ``balance_study.py``."""

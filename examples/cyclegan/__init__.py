"""Unpaired translation of photographs between day and dusk: domains, networks, training, scores,
pictures.
"""

"""DCGAN on small real images: data, networks, the classifier that judges samples, training,
pictures.
"""

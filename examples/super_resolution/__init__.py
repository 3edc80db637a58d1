"""Super-resolution of photographs, small enough to read: data, network, losses, training,
evaluation, pictures.
"""

"""Clips: a second kind of sample beside still images, read, paired and measured in chunks of
frames, so that a film never sits in memory. Reading needs the extra ``video``.
"""

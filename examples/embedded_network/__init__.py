"""The embedded network trained without labels: images, distortions, objectives,
the training loop.
"""

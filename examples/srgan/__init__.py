"""Super-resolution fine-tuned in the ESRGAN manner: losses, discriminator, training, perceptual
distances, the picture.
"""

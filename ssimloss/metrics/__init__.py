"""What is measured, not trained on: statistics of whole sets of images."""

from ssimloss.metrics.distributions import frechet_distance, inception_score

__all__ = ["frechet_distance", "inception_score"]

"""Responses of small filters, as a sum or variance over each plane, and their gradients."""

from ssimloss.kernels.edge_means.edges import EdgeFilter, Edges
from ssimloss.kernels.edge_means.operator import EDGE_MEANS, edge_means

__all__ = ["EDGE_MEANS", "EdgeFilter", "Edges", "edge_means"]

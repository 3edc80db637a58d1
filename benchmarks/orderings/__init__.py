"""``python -m benchmarks.orderings``: does a distance order images as people see them? This was
written before the network was trained.

Judgements are not needed where everybody agrees. At equal mean squared error, a shift of brightness
is less visible than noise (Wang et al. 2004, figure 2). More blur is more visible than less. Two
crops of one lawn are more alike than a crop of a lawn and one of gravel. Nobody sees a shift by one
pixel. ``docs/embedded_network.md`` explains the choice of images, changes and distances.
"""

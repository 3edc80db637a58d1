"""``python -m benchmarks.orderings``: does a distance order images as people see them? Written down
before the network was trained.

Nobody's judgements are needed where everybody agrees: of changes with one mean squared error, a
shift of brightness is less visible than noise (Wang et al. 2004, figure 2); more blur is more
visible than less; two crops of one lawn are more alike than one of a lawn and one of gravel; a
shift by one pixel is seen by nobody. ``docs/embedded_network.md`` says why these images, changes
and distances.
"""

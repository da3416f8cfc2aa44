"""Visual localization with a handful of pictures: the network, the filter and their training."""

__version__ = "0.1.0"

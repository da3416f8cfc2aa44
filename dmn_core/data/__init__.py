"""Sources of episodes: simulated worlds, bags and published data sets."""

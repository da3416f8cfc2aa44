"""StreetLearn: panoramas of streets in their published LevelDB format."""

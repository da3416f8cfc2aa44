"""A simulated robot as a live ROS 2 robot."""

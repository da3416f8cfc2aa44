"""ROS 2 nodes around the localizer."""

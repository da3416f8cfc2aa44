"""What people look at: heat map, modes and paths, apart from the robot's own work."""

"""The published GQN data, Mazes and Rooms, as its TFRecord files were downloaded.

    <root>/mazes/train/0001-of-1080.tfrecord, <root>/rooms_ring_camera/test/001-of-240.tfrecord, ...

Units. Mazes are 7 x 7 cells of 0.1 between -0.4 and 0.3: their 0.7 become the 40 m of the area,
around its middle, 57.1 m a unit. Positions in Rooms reach from -1 to 1, which become the 40 m, 20 m
a unit: poses spread evenly over that square give the paper's error of the uninformed estimate.

Yaw. Forward is (cos yaw, sin yaw), counter-clockwise. It is measured at loading, in Mazes against
the direction of walking, in Rooms with the ring camera against the centre, which these cameras
face. The free cameras of Rooms give nothing to measure: a shard with the ring camera beside them is
measured instead, and where there is none, a warning says what is taken.

Order. A scene of Mazes is a walk of 300 frames. Contexts and queries are drawn at random from all
of them, as in the paper.

Overlay. Frames of Mazes, 84 x 84, carry the display of the game in every scene: icons and
ammunition in rows 68 and below, and the digits of a frame counter at the top right. Nothing is cut
away; at 32 x 32 the display takes the lowest 6 rows.

Source: Eslami et al., Neural scene representation and rendering, 2018; paper section V-A.
"""

from __future__ import annotations

from dmn_core.data.gqn.loading import load

__all__ = ["load"]

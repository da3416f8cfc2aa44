"""StreetLearn: panoramas of Manhattan's streets, in the LevelDB that was published, and areas.

Viewpoints. A panorama covers the full circle. Its heading is folded into the pose, not into the
pixels: yaw = 90 degrees - heading, and the centre column of the image looks along the yaw, as in a
pinhole camera. A column further right looks clockwise. Roll and pitch are ignored, as in the
published engine. Images keep all their rows and columns and are resized, pixels averaged.

Metres. x to the east, y to the north, in the plane that touches the globe (radius 6,371 km) in the
middle of the area. Positions are the camera's own, not those snapped to the street.

Splits. West of longitude -73.9857 trains, but for the northernmost tenth of it, which validates;
east tests. Areas are made within a split, so that splits share no panorama.

Areas. A square of 40 m around every panorama that has 10 or more in it, itself included.

Cache. The database is opened once, read to its end and closed; decoded images stay on disk and are
mapped into memory. A database whose files differ in name, size or time is read anew.

Source: Mirowski et al., The StreetLearn environment and dataset, 2019; paper section V-A.
"""

from __future__ import annotations

from dmn_core.data.streetlearn.loading import load, load_database

__all__ = ["load", "load_database"]

"""Command line: `dmn train | evaluate | worlds | map | replay`."""

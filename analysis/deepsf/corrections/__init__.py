"""Files of correctionlib corrections: read and checked, and evaluated by the names of their inputs."""

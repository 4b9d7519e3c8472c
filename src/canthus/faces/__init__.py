"""What a face is: landmark schemes, the points of one face, and the ways between schemes."""

from canthus.faces.conversions import CONVERSIONS, Conversion, find_conversion
from canthus.faces.face import Face, Fit, Pose
from canthus.faces.landmarks import Landmarks
from canthus.faces.schemes import SCHEMES, LandmarkScheme, scheme_of

__all__ = [
    "CONVERSIONS",
    "SCHEMES",
    "Conversion",
    "Face",
    "Fit",
    "LandmarkScheme",
    "Landmarks",
    "Pose",
    "find_conversion",
    "scheme_of",
]

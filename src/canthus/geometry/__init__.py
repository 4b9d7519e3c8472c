"""Where things are: boxes, and the maps between a picture and its crops."""

from canthus.geometry.box import Box, BoxRelation
from canthus.geometry.similarity import Similarity

__all__ = ["Box", "BoxRelation", "Similarity"]

"""The unified view of Hu et al.: comparisons of models, the transfer table, and the theory."""

from dgm_zoo.unified import theory, transfer
from dgm_zoo.unified.comparison import compare

__all__ = ["compare", "theory", "transfer"]

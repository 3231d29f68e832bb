"""What is said about models in the unified view of Hu et al.: comparisons, the transfer table, and the theory."""

from dgm_zoo.unified import theory, transfer
from dgm_zoo.unified.comparison import compare

__all__ = ["compare", "theory", "transfer"]

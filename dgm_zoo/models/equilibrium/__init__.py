"""Symmetric (Nash) equilibrium learning of VAEs."""

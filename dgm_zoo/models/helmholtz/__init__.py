"""Helmholtz machines: layers of bits, learned by wake-sleep and its relatives."""

"""The base of every model: players and their steps, endpoints, checks, the registry and the declarations."""

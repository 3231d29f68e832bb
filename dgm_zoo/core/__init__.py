"""What every model stands on: players and their steps, endpoints, checks, the registry and the declarations."""

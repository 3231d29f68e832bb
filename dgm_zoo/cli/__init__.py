"""The `dgm-zoo` command: one small module per command in `commands/`, built on the other packages."""

"""The `dgm-zoo` command: one small module per command in `commands/`, on top of the other rooms."""

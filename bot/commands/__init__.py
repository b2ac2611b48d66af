"""The commands, one module a group. At the top they import only what every command needs: each loads its own rest."""

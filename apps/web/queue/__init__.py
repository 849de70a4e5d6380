"""Jobs in order: `store` keeps them, `runner` carries them out in child processes, `recovery` finds them again."""

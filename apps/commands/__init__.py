"""One module a command of `unpaired`: `parser()` says what it takes, `main(args)` does it."""

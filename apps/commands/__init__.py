"""One module a command of `unpaired`: `parser()` defines its options, `main(args)` runs it."""

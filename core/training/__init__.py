"""Training, in the order to read it: run, plan, launch, loop, engine."""

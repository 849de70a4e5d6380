"""The contract between the core and a medium: the members of a domain, and checks of their results."""

"""The contract between the core and a medium: what a domain gives, and checks of it."""

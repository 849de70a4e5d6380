"""Pages for people, one module each with its `ROUTES`; `templates` and `static` are what they are made of."""

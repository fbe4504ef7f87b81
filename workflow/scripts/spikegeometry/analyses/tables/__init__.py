"""Tables, tests and findings of single analyses."""

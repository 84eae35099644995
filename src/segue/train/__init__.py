"""Functions from (part, supervision) to a new part."""

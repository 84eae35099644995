"""Language models: asked for validated objects, never believed."""

"""What encoders and indexes read: titles as people type them, names, texts."""

"""Questions whose answers are known, asked again and again."""

"""Measurements side by side with peers. Every figure in a README comes from here."""

"""The tools, by what they are about. Every one asks for whoever is asking now."""

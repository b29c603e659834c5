"""Fills the documentation store: manuals, sites, folders and working copies become pages and passages."""

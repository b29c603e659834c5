"""Every statement on the schema `docs`: `writing` for ingest, `reading` for the server."""

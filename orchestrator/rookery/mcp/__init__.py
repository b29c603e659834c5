"""The servers of an mcp.json: started, watched, called."""

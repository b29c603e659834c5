"""What runs leave behind: traces, costs, and calls that wait for a yes."""

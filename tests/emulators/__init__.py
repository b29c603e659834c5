"""Services of other people, spoken to on their real wire: a test, or a person, uses them instead."""

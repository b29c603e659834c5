"""What GitHub tells by itself: signed webhook deliveries, into the event queue."""

"""What annotation files say, and whether it is sound; data sets, metrics and tools ask here."""

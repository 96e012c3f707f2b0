"""What runs around the network during training: hooks and optimizer wrappers."""

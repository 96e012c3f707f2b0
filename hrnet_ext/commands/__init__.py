"""What the tools run, a module per command."""

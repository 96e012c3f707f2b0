"""What a program calls: training, testing and inference."""

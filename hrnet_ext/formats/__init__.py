"""What files and callers say, checked: annotations, box files, boxes and images in memory."""

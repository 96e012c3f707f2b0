"""From images and boxes to keypoints: sources, boxes, detector, inferencer, drawing, video."""

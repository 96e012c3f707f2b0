"""PoseTrack's annotation files of 2017 and 2018, read as frames of persons."""

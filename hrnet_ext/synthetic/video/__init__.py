"""Videos of people who walk, stand and gesture before a moving camera.

Each module knows only those before it::

    gait -> performance; stage -> camera -> casting -> plot -> footage

Legend:
    F      number of frames; times (F,) in seconds, 0 in the middle of the video.
    ground metres: x to the right of the stage's middle, distance from the viewer.
    stage  pixels of the whole backdrop at zoom 1; frames show moving sections of it.
"""

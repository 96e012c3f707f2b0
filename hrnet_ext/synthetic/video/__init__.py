"""Videos of people who walk, stand and gesture before a moving camera.

Each module knows only those before it::

    gait -> motion; room -> camera -> sampler -> scenario -> video

Legend:
    F      number of frames; times (F,) in seconds, 0 in the middle of the video.
    ground meters: x to the right of the room's middle, distance from the viewer.
    room  pixels of the whole backdrop at zoom 1; frames show moving sections of it.
"""

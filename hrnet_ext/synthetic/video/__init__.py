"""Videos of people who walk, stand and gesture in front of a moving camera.

Each module imports only those to its left::

    motion; camera -> people -> video

Legend:
    F      number of frames; times (F,) in seconds, 0 in the middle of the video.
    ground meters: x to the right of the room's middle, distance from the viewer.
    room   pixels of the whole background at zoom 1; frames show moving sections of it.
"""

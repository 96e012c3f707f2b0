"""Track people through videos: python tools/track.py INPUT --config CONFIG --checkpoint FILE ..."""

from hrnet_ext.commands.track import main

if __name__ == '__main__':
    main()

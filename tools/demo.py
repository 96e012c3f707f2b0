"""Draw the people in images and videos: python tools/demo.py INPUT --checkpoint FILE ..."""

from hrnet_ext.commands.demo import main

if __name__ == '__main__':
    main()

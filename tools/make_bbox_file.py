"""Detect people, write their boxes: python tools/make_bbox_file.py CONFIG CHECKPOINT ..."""

from hrnet_ext.commands.make_bbox_file import main

if __name__ == '__main__':
    main()

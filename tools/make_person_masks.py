"""Label maps of people for MMSegmentation: python tools/make_person_masks.py ANN OUT"""

from hrnet_ext.commands.make_person_masks import main

if __name__ == '__main__':
    main()

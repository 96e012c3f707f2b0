"""The released models: python tools/list_models.py [--dataset coco]"""

from hrnet_ext.commands.list_models import main

if __name__ == '__main__':
    main()

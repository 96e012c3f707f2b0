"""Write a model as one file that needs no PyTorch: python tools/export.py CONFIG CHECKPOINT ..."""

from hrnet_ext.commands.export import main

if __name__ == '__main__':
    main()

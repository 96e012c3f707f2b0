"""Ground truth and prediction side by side: python tools/draw_predictions.py CONFIG DUMP.pkl"""

from hrnet_ext.commands.draw_predictions import main

if __name__ == '__main__':
    main()

"""Convert PoseTrack's files: python tools/convert_posetrack.py merge|split|evaluate ..."""

from hrnet_ext.commands.convert_posetrack import main

if __name__ == '__main__':
    main()

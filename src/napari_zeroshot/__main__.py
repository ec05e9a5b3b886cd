"""`python -m napari_zeroshot`: the command line."""

from napari_zeroshot.cli import main

if __name__ == "__main__":
    main()

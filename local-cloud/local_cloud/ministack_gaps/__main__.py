"""Serves ministack with its gaps filled: `python -m local_cloud.ministack_gaps`."""

from ministack import app

from . import fill

if __name__ == "__main__":
    fill()
    app.main()

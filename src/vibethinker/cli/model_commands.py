"""Commands on models outside a run: probe and fuse."""

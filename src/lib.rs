//! Compose runnables into chains whose runs always land in the right place of one trace tree.

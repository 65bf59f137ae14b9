//! Line drawings.

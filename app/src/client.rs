//! The client's decisions, without I/O: time and entropy arrive as inputs, and what to do leaves as actions.

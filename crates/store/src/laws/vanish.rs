//! Random plans, and a search for what they said in the files of a store.

pub mod plan;
pub mod search;

pub use plan::Plan;
pub use search::Needles;

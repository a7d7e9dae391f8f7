//! Evolution rules, each broken once.

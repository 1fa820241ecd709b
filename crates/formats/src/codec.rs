//! Codec configurations.

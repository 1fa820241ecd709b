//! Containers: one module per layout, each over borrowed or shared bytes.

mod boxes;
pub mod cmaf;
pub mod flv;
mod movie;
pub mod mp4;
mod sample_entry;
pub mod ts;

#[cfg(test)]
mod fixtures;

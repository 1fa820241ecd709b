//! Containers: one module per layout, each over borrowed or shared bytes.

pub mod flv;

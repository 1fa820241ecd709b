//! Whole lessons on simulated time: publishers with the clocks that the world brings, readers at every pace.

mod lesson;
mod lifecycle;
mod readers;
mod rig;
mod silence;
mod threads;

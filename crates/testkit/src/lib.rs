//! Test equipment: seeded randomness, a simulated clock and link, a synthetic encoder, and real media through ffmpeg.
//!
//! A dev-dependency only: nothing that ships may depend on it. It knows `media` and nothing else of Tayang, so that any
//! crate can be tested with it. Everything random takes a seed and prints it, so that a failure can be run again.

pub mod clock;
pub mod encoder;
pub mod fixtures;
pub mod link;
pub mod random;

pub use clock::Clock;
pub use encoder::{AudioSpec, Encoder, EncoderConfig, Sent, VideoSpec};
pub use link::{DatagramLink, Impairment, StreamLink};
pub use random::Random;

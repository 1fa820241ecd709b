//! The async edge of media: sockets to sessions to streams, and streams to viewers.
//!
//! Owns every media socket, the fan-out engine, and the HTTP surface of live and recorded media. Decides nothing about who
//! may (it asks `control`), and knows nothing of the API, which never sees it either.
//!
//! One packet's way: [`rtmp`] reads a socket, [`ingest`] makes frames, the hub keeps them; from there [`fanout`] (FLV,
//! RTMP) and [`live`] (packager, window, recorder) follow, and [`http`] answers from what they hold.

pub mod audience;
pub mod clock;
pub mod delivery;
pub mod fanout;
pub mod flv;
pub mod hls;
pub mod http;
pub mod ingest;
pub mod io;
pub mod live;
pub mod made;
pub mod pages;
pub mod range;
pub mod recorded;
pub mod relay;
pub mod reply;
pub mod right;
pub mod routes;
pub mod rtmp;
pub mod state;
pub mod wire;

mod gateway;

pub use gateway::{Gateway, Limits, RenderMetrics};

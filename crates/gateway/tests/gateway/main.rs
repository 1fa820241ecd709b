//! The gateway over real sockets: publishers on RTMP, viewers on HTTP and RTMP, everything behind them in this process.

mod access;
mod client;
mod connections;
mod counts;
mod delivery;
mod encrypted;
mod flv_viewers;
mod legacy;
mod low_latency;
mod memory;
mod mpeg_ts;
mod numbers;
mod pages;
mod past;
mod playback;
mod publisher;
mod recordings;
mod relays;
mod repository;
mod rights;
mod routes;
mod rtmp_peers;
mod stage;
mod states;
mod windows;

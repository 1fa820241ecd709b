//! Message type numbers (RTMP 1.0 §5.4, §6.2, §7.1).

/// Protocol control: size of the sender's chunks from now on.
pub const SET_CHUNK_SIZE: u8 = 1;
/// Protocol control: the unfinished message of a chunk stream is void.
pub const ABORT: u8 = 2;
/// Protocol control: bytes received so far.
pub const ACKNOWLEDGEMENT: u8 = 3;
/// User control event.
pub const USER_CONTROL: u8 = 4;
/// Protocol control: how often the sender wants to be acknowledged.
pub const WINDOW_ACK_SIZE: u8 = 5;
/// Protocol control: the window that the peer shall announce.
pub const SET_PEER_BANDWIDTH: u8 = 6;
/// Sound: an FLV audio tag body.
pub const AUDIO: u8 = 8;
/// Pictures: an FLV video tag body.
pub const VIDEO: u8 = 9;
/// Script data with a leading format byte.
pub const DATA_AMF3: u8 = 15;
/// Shared object with a leading format byte. Not used here.
pub const SHARED_OBJECT_AMF3: u8 = 16;
/// Command with a leading format byte.
pub const COMMAND_AMF3: u8 = 17;
/// Script data: an FLV script tag body.
pub const DATA_AMF0: u8 = 18;
/// Shared object. Not used here.
pub const SHARED_OBJECT_AMF0: u8 = 19;
/// Command.
pub const COMMAND_AMF0: u8 = 20;
/// Several FLV tags in one message.
pub const AGGREGATE: u8 = 22;

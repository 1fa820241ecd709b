//! FLV version 1 and Enhanced RTMP version 2.

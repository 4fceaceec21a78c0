//! Encoding with ffmpeg: what to ask of it, and running it.

mod arguments;
mod black;
mod command_line;
mod cut;
mod mux;
mod process;
mod source;

pub(crate) use arguments::arguments;
pub(crate) use black::add_black_video;
pub(crate) use cut::{Stream, cut};
pub(crate) use mux::codecs_playlist;
pub(crate) use process::{EncodeProgress, encode};
pub(crate) use source::Source;

#[cfg(test)]
mod tests;

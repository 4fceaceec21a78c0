//! Encoding with ffmpeg: what to ask of it, and running it.

mod arguments;
mod cut;
mod process;

pub(crate) use arguments::{Source, arguments, multivariant};
pub(crate) use cut::{Stream, cut};
pub(crate) use process::{EncodeProgress, encode};

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

//! Encoding with ffmpeg: what to ask of it, and running it.

mod arguments;
mod process;

pub(crate) use arguments::{Source, arguments, cut, multivariant};
pub(crate) use process::{EncodeProgress, encode};

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

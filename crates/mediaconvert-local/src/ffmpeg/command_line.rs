//! What all command lines of ffmpeg are made with.

use crate::probe::{CONTAINERS, Media};

#[derive(Default)]
pub(super) struct Arguments(pub(super) Vec<String>);

impl Arguments {
    pub(super) fn add<T: Into<String>>(&mut self, arguments: impl IntoIterator<Item = T>) {
        self.0.extend(arguments.into_iter().map(Into::into));
    }

    /// `-b:v 1000`.
    pub(super) fn option(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0.extend([name.to_owned(), format!("{value}")]);
    }
}

/// The input, a file that anyone may have made.
pub(super) fn input(arguments: &mut Arguments, file: &str, media: &Media) {
    // Left alone, ffmpeg would rotate the pictures itself or pass the rotation on. A filter does it.
    if let Some(video) = media.video.first().filter(|video| video.rotation != 0) {
        arguments.option(&format!("-display_rotation:{}", video.index), 0);
    }
    arguments.add(["-protocol_whitelist", "file", "-format_whitelist", CONTAINERS]);
    arguments.option("-i", format!("file:{file}"));
}

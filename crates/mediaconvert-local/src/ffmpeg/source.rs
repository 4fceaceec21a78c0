//! The input of an encode, as its job's selectors and rotation present it.

use std::collections::BTreeMap;

use crate::probe::{AudioStream, Media, VideoStream};
use crate::settings::{AudioSelector, Rotate};

/// The input as an output sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// Its file, in the directory ffmpeg runs in.
    pub(crate) file: &'a str,
    /// What is in it.
    pub(crate) media: &'a Media,
    /// How its pictures are turned.
    pub(crate) rotate: Rotate,
    /// What an audio description's source name means.
    pub(crate) audio_selectors: &'a BTreeMap<String, AudioSelector>,
}

impl Source<'_> {
    /// The audio stream behind a selector's name. The service model says under
    /// `AudioDescription.AudioSourceName`: a selector that the input lacks is replaced by the
    /// default one, and without such there is silence.
    pub(super) fn audio(&self, name: &str) -> Option<&AudioStream> {
        let stream = |selector: &AudioSelector| {
            let track = selector.track.unwrap_or(1).checked_sub(1)?;
            self.media.audio.get(usize::try_from(track).ok()?)
        };
        let default = || self.audio_selectors.values().find(|selector| selector.is_default);
        (self.audio_selectors.get(name).and_then(stream)).or_else(|| default().and_then(stream))
    }

    /// The size of its pictures, turned as the settings say.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        let video = self.media.video.first()?;
        Some(match self.turn(video) {
            90 | 270 => (video.height, video.width),
            _ => (video.width, video.height),
        })
    }

    /// Degrees clockwise.
    pub(super) fn turn(&self, video: &VideoStream) -> u16 {
        match self.rotate {
            Rotate::Auto => video.rotation,
            Rotate::Degree0 => 0,
            Rotate::Degrees90 => 90,
            Rotate::Degrees180 => 180,
            Rotate::Degrees270 => 270,
        }
    }
}

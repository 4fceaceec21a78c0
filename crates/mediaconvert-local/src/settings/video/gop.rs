//! The distance of key frames.

use super::codec::VideoCodec;
use crate::settings::error::SettingsError;
use crate::settings::node::Node;

/// `gopSize` with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Gop {
    /// Frames from one key frame to the next.
    Frames(f64),
    /// Seconds from one key frame to the next.
    Seconds(f64),
}

pub(super) fn gop(node: &Node<'_>, codec: VideoCodec) -> Result<Option<Gop>, SettingsError> {
    #[derive(Clone, Copy)]
    enum Unit {
        Auto,
        Frames,
        Seconds,
    }
    let unit = match codec {
        VideoCodec::H264 | VideoCodec::H265 => node.one_of(
            "gopSizeUnits",
            &[
                ("AUTO", Unit::Auto),
                ("FRAMES", Unit::Frames),
                ("SECONDS", Unit::Seconds),
            ],
        )?,
        VideoCodec::Vp8 | VideoCodec::Vp9 | VideoCodec::Av1 => None,
    };
    let size = node.number("gopSize").filter(|&size| size > 0.0);
    // A size without a unit counts frames, as it did before there were units.
    Ok(size.and_then(|size| match unit.unwrap_or(Unit::Frames) {
        Unit::Auto => None,
        Unit::Frames => Some(Gop::Frames(size)),
        Unit::Seconds => Some(Gop::Seconds(size)),
    }))
}

//! Pictures taken from a video as JPEG files.

use super::ratio::{Ratio, ratio};
use super::size::Size;
use crate::settings::error::SettingsError;
use crate::settings::node::Node;

/// Pictures taken from a video as JPEG files.
#[derive(Debug, Clone)]
pub(crate) struct FrameCapture {
    /// Their size.
    pub(crate) size: Size,
    /// Captures per second.
    pub(crate) rate: Ratio,
    /// How many at most.
    pub(crate) max_captures: Option<u32>,
    /// 1 to 100, higher is better.
    pub(crate) quality: u32,
}

pub(super) fn captured(node: Node<'_>, size: Size) -> Result<FrameCapture, SettingsError> {
    let rate = ratio(&node, "framerateNumerator", "framerateDenominator");
    let capture = FrameCapture {
        size,
        rate: rate.unwrap_or(Ratio { num: 1, den: 1 }),
        max_captures: node.unsigned("maxCaptures"),
        quality: node.unsigned("quality").unwrap_or(80),
    };
    node.finish()?;
    Ok(capture)
}

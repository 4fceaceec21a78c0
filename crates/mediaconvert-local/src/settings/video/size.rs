//! How large the pictures of an output are.

use crate::settings::error::SettingsError;
use crate::settings::node::Node;

/// `width`, `height` and `scalingBehavior`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Absent follows the height, or the input.
    pub(crate) width: Option<u32>,
    /// Absent follows the width, or the input.
    pub(crate) height: Option<u32>,
    /// What is done when the input has another aspect ratio.
    pub(crate) scaling: Scaling,
}

/// `scalingBehavior`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scaling {
    /// `DEFAULT`: fits the picture in and pads it with black.
    Pad,
    /// `STRETCH_TO_OUTPUT`.
    Stretch,
    /// `FIT`: fits the picture in; the output has the input's aspect ratio.
    Fit,
    /// `FIT_NO_UPSCALE`: the same, but never larger than the input.
    FitNoUpscale,
    /// `FILL`: fills the output and crops what is outside.
    Fill,
}

pub(super) fn size(node: &Node<'_>) -> Result<Size, SettingsError> {
    let scaling = node.one_of(
        "scalingBehavior",
        &[
            ("DEFAULT", Scaling::Pad),
            ("STRETCH_TO_OUTPUT", Scaling::Stretch),
            ("FIT", Scaling::Fit),
            ("FIT_NO_UPSCALE", Scaling::FitNoUpscale),
            ("FILL", Scaling::Fill),
        ],
    )?;
    Ok(Size {
        width: node.unsigned("width"),
        height: node.unsigned("height"),
        scaling: scaling.unwrap_or(Scaling::Pad),
    })
}

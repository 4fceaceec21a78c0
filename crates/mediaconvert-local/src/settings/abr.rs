//! Automated ABR: one output with video stands for as many renditions as suit the source.
//!
//! MediaConvert looks at the pictures to find out which renditions are worth their bits. Here their
//! size alone decides, within the same limits.

use super::error::SettingsError;
use super::node::Node;
use super::video::{AbrLimits, RateControl, Scaling, Size, VideoDescription};

/// `automatedEncodingSettings.abrSettings`; all bitrates are bits per second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AutomatedAbr {
    max_renditions: u32,
    max_bitrate: u32,
    min_bitrate: u32,
    quality: Option<f64>,
}

/// Lines of the renditions below the source's own size.
const LINES: [u32; 9] = [2160, 1440, 1080, 720, 540, 432, 360, 288, 216];

/// What 1920×1080 gets.
const FULL_HD_BITRATE: f64 = 5_000_000.0;

impl AutomatedAbr {
    /// Reads a group's `automatedEncodingSettings`. Defaults are the service model's.
    pub(super) fn parse(node: Node<'_>) -> Result<Option<Self>, SettingsError> {
        let settings = node.node("abrSettings");
        node.finish()?;
        let Some(node) = settings else {
            return Ok(None);
        };
        let max_bitrate = node.unsigned("maxAbrBitrate").unwrap_or(8_000_000);
        let min_bitrate = node.unsigned("minAbrBitrate").unwrap_or(600_000);
        if min_bitrate > max_bitrate {
            let rule = format!("{min_bitrate} is more than maxAbrBitrate, {max_bitrate}");
            return Err(node.malformed("minAbrBitrate", rule));
        }
        let abr = Self {
            max_renditions: node.unsigned("maxRenditions").unwrap_or(15),
            max_bitrate,
            min_bitrate,
            quality: node.number("maxQualityLevel"),
        };
        node.finish()?;
        Ok(Some(abr))
    }

    /// What holds for all renditions.
    pub(super) fn limits(self) -> AbrLimits {
        AbrLimits {
            max_bitrate: self.max_bitrate,
            quality: self.quality,
        }
    }

    /// The renditions of a source of this size, the largest first, and never larger than it or
    /// than `video` allows.
    pub(super) fn renditions(self, source: (u32, u32), video: &VideoDescription) -> Vec<VideoDescription> {
        let largest = within(source, video.size);
        let own = largest.0.min(largest.1);
        let lines = std::iter::once(own).chain(LINES.into_iter().filter(|&lines| lines < own));
        let sizes = lines
            .map(|lines| scaled(largest, lines))
            .map(|size| (size, self.bitrate(size)));
        let worthwhile = sizes.filter(|(size, bitrate)| *size == largest || *bitrate >= self.min_bitrate);
        thinned(worthwhile.collect(), self.max_renditions)
            .into_iter()
            .map(|((width, height), bitrate)| {
                let mut rendition = video.clone();
                rendition.size = Size {
                    width: Some(width),
                    height: Some(height),
                    scaling: Scaling::Stretch,
                };
                if let RateControl::Quality { max_bitrate, .. } = &mut rendition.rate_control {
                    *max_bitrate = bitrate.max(self.min_bitrate);
                }
                rendition
            })
            .collect()
    }

    /// Smaller pictures need more bits for each pixel.
    fn bitrate(self, (width, height): (u32, u32)) -> u32 {
        let share = f64::from(width) * f64::from(height) / (1920.0 * 1080.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a bitrate"
        )]
        let bitrate = (FULL_HD_BITRATE * share.powf(0.75)) as u32;
        bitrate.min(self.max_bitrate)
    }
}

/// The source's size, made smaller where "the maximum possible resolution" is.
fn within((width, height): (u32, u32), limit: Size) -> (u32, u32) {
    let ratio = |limit: Option<u32>, size: u32| limit.map_or(1.0, |limit| f64::from(limit) / f64::from(size));
    let scale = ratio(limit.width, width)
        .min(ratio(limit.height, height))
        .min(1.0);
    (even(f64::from(width) * scale), even(f64::from(height) * scale))
}

/// A frame with this many lines; for a portrait, columns.
fn scaled((width, height): (u32, u32), lines: u32) -> (u32, u32) {
    let scale = f64::from(lines) / f64::from(width.min(height));
    (even(f64::from(width) * scale), even(f64::from(height) * scale))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a frame size"
)]
fn even(pixels: f64) -> u32 {
    ((pixels / 2.0).round() as u32).max(1) * 2
}

/// At most `count` of the items: the first, the last, and others evenly between.
fn thinned<T: Copy>(items: Vec<T>, count: u32) -> Vec<T> {
    let count = count as usize;
    if items.len() <= count {
        return items;
    }
    let last = items.len() - 1;
    (0..count)
        .map(|index| items[index * last / (count - 1)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_of_many_are_spread_over_them() {
        assert_eq!(thinned(vec![1, 2], 3), [1, 2]);
        assert_eq!(thinned((0..9).collect(), 3), [0, 4, 8]);
        assert_eq!(thinned((0..7).collect(), 6), [0, 1, 2, 3, 4, 6]);
    }

    #[test]
    fn sizes_stay_within_limits_and_even() {
        let limit = |width, height| Size {
            width,
            height,
            scaling: Scaling::Pad,
        };
        assert_eq!(within((1920, 1080), limit(None, None)), (1920, 1080));
        assert_eq!(within((1920, 1080), limit(Some(1280), Some(1280))), (1280, 720));
        assert_eq!(within((320, 240), limit(Some(1920), Some(1080))), (320, 240));
        assert_eq!(scaled((1080, 1920), 720), (720, 1280));
        assert_eq!(scaled((1366, 768), 540), (960, 540));
    }
}

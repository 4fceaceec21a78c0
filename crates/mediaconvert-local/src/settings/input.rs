//! The input of a job: where it is, which way up it is, and which of its sound is used.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use super::error::SettingsError;
use super::node::Node;

/// One input.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// Where it is read from.
    pub(crate) uri: InputUri,
    /// How its pictures are turned.
    pub(crate) rotate: Rotate,
    /// Its audio selectors by the caller's names for them.
    pub(crate) audio_selectors: BTreeMap<String, AudioSelector>,
}

/// `videoSelector.rotate`. MediaConvert never passes rotation metadata on; `DEGREE_0` is its
/// default and ignores the metadata altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Rotate {
    /// As the input's rotation metadata says.
    Auto,
    /// Not at all.
    #[default]
    Degree0,
    /// By a quarter turn clockwise.
    Degrees90,
    /// By half a turn.
    Degrees180,
    /// By three quarters of a turn clockwise.
    Degrees270,
}

/// Which audio track of the input a selector stands for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AudioSelector {
    /// Stands in for selectors that an output names and the input lacks.
    pub(crate) is_default: bool,
    /// The track, counted from 1 among the input's audio; absent means the first.
    pub(crate) track: Option<u32>,
}

/// Where an input is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InputUri {
    /// An object, read with the credentials of the job's role.
    S3 {
        /// Its bucket.
        bucket: String,
        /// Its key, as it is: the URI is not percent-decoded.
        key: String,
    },
    /// A file on a web server, read without credentials.
    Http(Url),
}

impl InputUri {
    fn parse(text: &str) -> Option<Self> {
        if let Some((bucket, key)) = text.strip_prefix("s3://").and_then(|it| it.split_once('/')) {
            let named = !bucket.is_empty() && !key.is_empty() && !key.ends_with('/');
            return named.then(|| Self::S3 {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            });
        }
        let url = Url::parse(text).ok()?;
        let is_file = matches!(url.scheme(), "http" | "https") && !url.path().ends_with('/');
        is_file.then_some(Self::Http(url))
    }

    /// The file's name without its extension, from which MediaConvert names outputs whose
    /// destination names none.
    pub(crate) fn base_name(&self) -> &str {
        let path = match self {
            Self::S3 { key, .. } => key,
            Self::Http(url) => url.path(),
        };
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        match name.rsplit_once('.') {
            Some((base, _)) if !base.is_empty() => base,
            _ => name,
        }
    }
}

impl fmt::Display for InputUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
            Self::Http(url) => url.fmt(f),
        }
    }
}

impl Input {
    pub(super) fn parse(node: Node<'_>) -> Result<Self, SettingsError> {
        let text = node.required("fileInput", node.text("fileInput"))?;
        let uri = InputUri::parse(text).ok_or_else(|| {
            node.malformed(
                "fileInput",
                format!("{text:?} is not the s3://, http:// or https:// URI of a file"),
            )
        })?;
        let rotate = match node.node("videoSelector") {
            Some(selector) => video_selector(selector)?,
            None => Rotate::default(),
        };
        let audio_selectors = (node.named("audioSelectors").into_iter())
            .map(|(name, selector)| Ok((name.to_owned(), audio_selector(selector)?)))
            .collect::<Result<_, SettingsError>>()?;
        node.only("filterEnable", &["AUTO", "DISABLE"])?;
        node.only("deblockFilter", &["DISABLED"])?;
        node.only("denoiseFilter", &["DISABLED"])?;
        node.only("advancedInputFilter", &["DISABLED"])?;
        node.only("inputScanType", &["AUTO"])?;
        // Caption selectors do nothing by themselves, the filter strength nothing without a filter.
        node.harmless(&[
            "captionSelectors",
            "filterStrength",
            "programNumber",
            "psiControl",
            "timecodeSource",
            "timecodeStart",
        ]);
        node.finish()?;
        Ok(Self {
            uri,
            rotate,
            audio_selectors,
        })
    }
}

fn video_selector(node: Node<'_>) -> Result<Rotate, SettingsError> {
    let rotate = node.one_of(
        "rotate",
        &[
            ("AUTO", Rotate::Auto),
            ("DEGREE_0", Rotate::Degree0),
            ("DEGREES_90", Rotate::Degrees90),
            ("DEGREES_180", Rotate::Degrees180),
            ("DEGREES_270", Rotate::Degrees270),
        ],
    )?;
    node.only("alphaBehavior", &["DISCARD"])?;
    node.only("colorSpace", &["FOLLOW"])?;
    node.only("padVideo", &["DISABLED"])?;
    node.only("sampleRange", &["FOLLOW"])?;
    node.only("selectorType", &["AUTO"])?;
    node.harmless(&["colorSpaceUsage", "embeddedTimecodeOverride", "programNumber"]);
    node.finish()?;
    Ok(rotate.unwrap_or_default())
}

fn audio_selector(node: Node<'_>) -> Result<AudioSelector, SettingsError> {
    let is_default = node.one_of("defaultSelection", &[("DEFAULT", true), ("NOT_DEFAULT", false)])?;
    node.only("selectorType", &["TRACK"])?;
    node.only("audioDurationCorrection", &["DISABLED"])?;
    node.only_integer("offset", 0)?;
    let track = match node.integers("tracks").as_slice() {
        [] => None,
        [track] => Some(*track),
        _ => return Err(node.unsupported("tracks", "more than one track in a selector")),
    };
    node.harmless(&["programSelection"]);
    node.finish()?;
    Ok(AudioSelector {
        is_default: is_default.unwrap_or_default(),
        track,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_named_after_the_input_without_its_extension() {
        for (uri, base) in [
            ("s3://bucket/uploads/holiday.final.MOV", "holiday.final"),
            ("s3://bucket/clip", "clip"),
            ("s3://bucket/a b/ü+1.mp4", "ü+1"),
            ("s3://bucket/.mp4", ".mp4"),
            ("https://media.example.com/a%20b/c%C3%BC.mp4", "c%C3%BC"),
        ] {
            assert_eq!(InputUri::parse(uri).unwrap().base_name(), base);
        }
    }

    #[test]
    fn only_files_are_inputs() {
        for uri in [
            "s3://bucket",
            "s3://bucket/",
            "s3:///key",
            "s3://bucket/dir/",
            "ftp://host/a.mp4",
            "https://host/",
            "/etc/passwd",
            "file:///etc/passwd",
        ] {
            assert_eq!(InputUri::parse(uri), None, "{uri}");
        }
    }
}

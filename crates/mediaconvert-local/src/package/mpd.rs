//! DASH manifests as ffmpeg writes them: the codecs they state, and other names for their files.
//!
//! A representation's number stands for what the names of its files begin with.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};

/// Why a manifest is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum MpdError {
    /// It cannot be read.
    #[error("manifest.mpd: {0}")]
    Xml(#[from] quick_xml::Error),
    /// It breaks off.
    #[error("manifest.mpd: ends within an element")]
    Truncated,
    /// It lacks something.
    #[error("manifest.mpd: representation {number} has no {what}")]
    Missing {
        /// Of which representation.
        number: usize,
        /// An attribute or an element.
        what: &'static str,
    },
}

/// What the files of a representation are called.
#[derive(Debug)]
pub(super) struct FileNames<'a> {
    /// The beginning of all of them, as it stands in a URI.
    pub(super) stem: String,
    /// The extension, without the dot.
    pub(super) extension: &'a str,
}

/// The codecs of representations 0 to `count`, as RFC 6381 writes them.
pub(super) fn codecs(mpd: &str, count: usize) -> Result<Vec<String>, MpdError> {
    let mut codecs = vec![None; count];
    let mut reader = Elements::of(mpd);
    loop {
        match reader.next()? {
            Event::Eof => break,
            Event::Start(element) | Event::Empty(element) => {
                if let Some(stated) = representation(&element)?.and_then(|number| codecs.get_mut(number)) {
                    *stated = attribute(&element, "codecs")?;
                }
            }
            _ => {}
        }
    }
    let stated = codecs.into_iter().enumerate();
    stated
        .map(|(number, codecs)| {
            // ffmpeg leaves them empty where it knows none.
            let codecs = codecs.filter(|codecs| !codecs.is_empty());
            codecs.ok_or(MpdError::Missing {
                number,
                what: "codecs",
            })
        })
        .collect()
}

/// The manifest with these names, one for each representation, in place of ffmpeg's own.
pub(super) fn rename(mpd: &str, names: &[FileNames<'_>]) -> Result<Vec<u8>, MpdError> {
    let mut renamed = vec![false; names.len()];
    let mut current = None;
    let mut in_base_url = false;
    let mut reader = Elements::of(mpd);
    let mut writer = Writer::new(Vec::with_capacity(mpd.len() * 2));
    loop {
        let mut event = reader.next()?;
        if let Event::Start(element) | Event::Empty(element) = &event
            && let Some(number) = representation(element)?
        {
            current = names.get(number).map(|names| (number, names));
        }
        if let Some((number, names)) = current {
            match &mut event {
                Event::Start(element) | Event::Empty(element) if element.name().0 == "SegmentTemplate" => {
                    *element = segment_template(element, number, names)?;
                    renamed[number] = true;
                }
                Event::Start(element) => in_base_url = element.name().0 == "BaseURL",
                Event::Text(text) if in_base_url => {
                    let name = format!("{}.{}", names.stem, names.extension);
                    *text = BytesText::new(&name).into_owned();
                    renamed[number] = true;
                }
                Event::End(_) => in_base_url = false,
                _ => {}
            }
        }
        match event {
            Event::Eof => break,
            event => writer.write_event(event).map_err(quick_xml::Error::from)?,
        }
    }
    match renamed.iter().position(|renamed| !renamed) {
        Some(number) => Err(MpdError::Missing {
            number,
            what: "SegmentTemplate or BaseURL",
        }),
        None => Ok(writer.into_inner()),
    }
}

/// A manifest's events, the last of which comes only when every element has its end.
struct Elements<'a> {
    reader: Reader<&'a [u8]>,
    open: usize,
}

impl<'a> Elements<'a> {
    fn of(mpd: &'a str) -> Self {
        Self {
            reader: Reader::from_str(mpd),
            open: 0,
        }
    }

    fn next(&mut self) -> Result<Event<'a>, MpdError> {
        let event = self.reader.read_event()?;
        match event {
            Event::Start(_) => self.open += 1,
            // That it has a beginning, the reader sees to.
            Event::End(_) => self.open -= 1,
            Event::Eof if self.open > 0 => return Err(MpdError::Truncated),
            _ => {}
        }
        Ok(event)
    }
}

/// The element with other names in `initialization` and `media`.
fn segment_template(
    element: &BytesStart<'_>,
    number: usize,
    names: &FileNames<'_>,
) -> Result<BytesStart<'static>, MpdError> {
    let mut renamed = element.to_owned();
    renamed.clear_attributes();
    for what in ["initialization", "media"] {
        let name = attribute(element, what)?.ok_or(MpdError::Missing { number, what })?;
        let ending = name.strip_prefix("$RepresentationID$").unwrap_or(&name);
        let ending = ending.strip_suffix("m4s").unwrap_or(ending);
        let name = format!("{}{ending}{}", names.stem, names.extension);
        renamed.push_attribute((what, name.as_str()));
    }
    for attribute in element.attributes() {
        let attribute = attribute.map_err(quick_xml::Error::from)?;
        if !["initialization", "media"].contains(&attribute.key.0) {
            renamed.push_attribute(attribute);
        }
    }
    Ok(renamed)
}

/// The number of the representation that begins with this element.
fn representation(element: &BytesStart<'_>) -> Result<Option<usize>, MpdError> {
    if element.name().0 != "Representation" {
        return Ok(None);
    }
    Ok(attribute(element, "id")?.and_then(|id| id.parse().ok()))
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, MpdError> {
    let Some(attribute) = element.try_get_attribute(name).map_err(quick_xml::Error::from)? else {
        return Ok(None);
    };
    Ok(Some(
        attribute.normalized_value(XmlVersion::Explicit1_0)?.into_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ffmpeg writes, but on lines of another's choice.
    const MPD: &str = r#"<?xml version="1.0"?>
<MPD><Period><AdaptationSet>
<Representation
    codecs='avc1.64001e'
    id="0"><SegmentTemplate timescale="15360" initialization="$RepresentationID$init.m4s"
    media="$RepresentationID$_$Number%09d$.m4s"><SegmentTimeline><S t="0" d="15360" r="1"/></SegmentTimeline></SegmentTemplate></Representation>
</AdaptationSet><AdaptationSet><Representation id="1" codecs="mp4a.40.2"><BaseURL>1.m4s</BaseURL></Representation>
</AdaptationSet></Period></MPD>"#;

    fn names() -> [FileNames<'static>; 2] {
        let names = |stem: &str, extension| FileNames {
            stem: stem.to_owned(),
            extension,
        };
        [names("clip_360", "cmfv"), names("clip_audio", "cmfa")]
    }

    #[test]
    fn codecs_are_found_wherever_they_stand() {
        assert_eq!(codecs(MPD, 2).unwrap(), ["avc1.64001e", "mp4a.40.2"]);
    }

    #[test]
    fn files_get_their_names_and_the_rest_stays() {
        let renamed = rename(MPD, &names()).unwrap();
        let renamed = std::str::from_utf8(&renamed).unwrap();
        assert!(
            renamed.contains("<SegmentTemplate initialization=\"clip_360init.cmfv\" media=\"clip_360_$Number%09d$.cmfv\" timescale=\"15360\">"),
            "{renamed}"
        );
        assert!(
            renamed.contains("<BaseURL>clip_audio.cmfa</BaseURL>"),
            "{renamed}"
        );
        assert!(renamed.contains("<S t=\"0\" d=\"15360\" r=\"1\"/>"), "{renamed}");
        assert!(!renamed.contains("m4s"), "{renamed}");
    }

    #[test]
    fn what_a_manifest_lacks_is_named() {
        let without = |part: &str| MPD.replace(part, "");
        for (error, expected) in [
            (
                codecs(&without("codecs='avc1.64001e'"), 2).unwrap_err(),
                "manifest.mpd: representation 0 has no codecs",
            ),
            (
                codecs(&MPD.replace("mp4a.40.2", ""), 2).unwrap_err(),
                "manifest.mpd: representation 1 has no codecs",
            ),
            (
                codecs(MPD.split("<BaseURL>").next().unwrap(), 2).unwrap_err(),
                "manifest.mpd: ends within an element",
            ),
            (
                rename(MPD.split("</AdaptationSet></Period>").next().unwrap(), &names()).unwrap_err(),
                "manifest.mpd: ends within an element",
            ),
            (
                codecs(MPD, 3).unwrap_err(),
                "manifest.mpd: representation 2 has no codecs",
            ),
            (
                rename(&without("<BaseURL>1.m4s</BaseURL>"), &names()).unwrap_err(),
                "manifest.mpd: representation 1 has no SegmentTemplate or BaseURL",
            ),
            (
                rename(
                    &without("initialization=\"$RepresentationID$init.m4s\""),
                    &names(),
                )
                .unwrap_err(),
                "manifest.mpd: representation 0 has no initialization",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
        }
        assert!(matches!(codecs("<MPD><Period></MPD>", 0), Err(MpdError::Xml(_))));
    }
}

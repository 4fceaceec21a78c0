//! What holds of every profile: what it costs, what it never does, and that `docs/profiles.md` says so.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Profile;
use crate::create_job::tests::{INPUT, create_job};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/profiles.md"));

/// The one that costs more than the basic tier.
const PROFESSIONAL: &str = "hls-abr";
/// The job that wagtailmedia submits, which is as it is.
const WAGTAILMEDIA: &str = "webm";

/// The video codecs of the basic tier, by the price page; captures do not count as video.
const BASIC_CODECS: [&str; 4] = ["H_264", "VP8", "VP9", "FRAME_CAPTURE"];
/// Members, and what they must not be in the basic tier (nothing at all where no value is given).
/// The service model says so of each ("pro-tier pricing", "add-on cost"), the user guide of
/// automated ABR.
const NOT_BASIC: [(&str, &[&str]); 6] = [
    ("abrSettings", &[]),
    ("advancedInputFilter", &["ENABLED"]),
    ("bandwidthReductionFilter", &[]),
    ("framerateConversionAlgorithm", &["FRAMEFORMER"]),
    ("mode", &["ENABLED", "PREFERRED"]),
    ("qualityTuningLevel", &["MULTI_PASS_HQ"]),
];

/// A source of 1920x1080 at 30 frames a second is what the document counts with.
const SOURCE: (u64, u64) = (1920, 1080);

/// The body of `CreateJob`.
fn body(profile: Profile) -> Value {
    let request = json!({ "input": INPUT, "profile": profile.name() });
    create_job(request).unwrap().body
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn groups(body: &Value) -> impl Iterator<Item = &Value> {
    list(&body["settings"]["outputGroups"])
}

fn outputs(body: &Value) -> impl Iterator<Item = &Value> {
    groups(body).flat_map(|group| list(&group["outputs"]))
}

fn codec(output: &Value) -> Option<&str> {
    output["videoDescription"]["codecSettings"]["codec"].as_str()
}

/// Why it is not of the basic tier.
fn not_basic(json: &Value) -> Vec<String> {
    let Value::Object(members) = json else {
        return list(json).flat_map(not_basic).collect();
    };
    let mut reasons: Vec<_> = members.values().flat_map(not_basic).collect();
    reasons.extend(NOT_BASIC.iter().filter_map(|(name, values)| {
        let value = members.get(*name)?;
        let hit = values.is_empty() || value.as_str().is_some_and(|value| values.contains(&value));
        hit.then(|| format!("{name} {value}"))
    }));
    let video = members.get("videoDescription");
    if let Some(codec) = video.and_then(|video| video["codecSettings"]["codec"].as_str())
        && !BASIC_CODECS.contains(&codec)
    {
        reasons.push(format!("codec {codec}"));
    }
    reasons
}

#[test]
fn all_but_one_stay_in_the_basic_tier() {
    for profile in Profile::all() {
        let reasons = not_basic(&body(profile));
        assert_eq!(
            reasons.is_empty(),
            profile.name() != PROFESSIONAL,
            "{profile}: {reasons:?}"
        );
    }
}

#[test]
fn none_enlarges_a_picture_or_shrinks_a_portrait_more_than_a_landscape() {
    for profile in Profile::all() {
        for video in outputs(&body(profile)).map(|output| &output["videoDescription"]) {
            let (width, height) = (&video["width"], &video["height"]);
            assert_eq!(width, height, "{profile}: {video}");
            assert!(
                width.is_null() || video["scalingBehavior"] == "FIT_NO_UPSCALE",
                "{profile}: {video}"
            );
        }
    }
}

#[test]
fn pictures_come_out_upright_with_a_poster_beside_them() {
    for profile in Profile::all().filter(|profile| profile.name() != WAGTAILMEDIA) {
        let body = body(profile);
        let (captures, videos): (Vec<_>, Vec<_>) = outputs(&body)
            .filter_map(codec)
            .partition(|codec| *codec == "FRAME_CAPTURE");
        assert_eq!(captures.len(), usize::from(!videos.is_empty()), "{profile}");
        if videos.is_empty() {
            continue;
        }
        let upright = &body["settings"]["inputs"][0]["videoSelector"]["rotate"];
        assert_eq!(upright, "AUTO", "{profile}");
        let poster = groups(&body).last().unwrap();
        assert_eq!(
            poster["outputGroupSettings"]["type"], "FILE_GROUP_SETTINGS",
            "{profile}"
        );
        assert_eq!(poster["outputs"].as_array().map(Vec::len), Some(1), "{profile}");
        assert_eq!(codec(&poster["outputs"][0]), Some("FRAME_CAPTURE"), "{profile}");
    }
}

/// What is added to the input's name; `*` stands for what MediaConvert puts there.
fn names(body: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for group in groups(body) {
        let extension = match group["outputGroupSettings"]["type"].as_str() {
            Some("HLS_GROUP_SETTINGS") => Some("m3u8"),
            Some("CMAF_GROUP_SETTINGS") => {
                names.push(".mpd".to_owned());
                Some("m3u8")
            }
            _ => None,
        };
        names.extend(extension.map(|extension| format!(".{extension}")));
        for output in list(&group["outputs"]) {
            let modifier = output["nameModifier"].as_str().unwrap_or_default();
            let container = output["containerSettings"]["container"].as_str().unwrap();
            let is_automated = group["automatedEncodingSettings"].is_object() && codec(output).is_some();
            names.push(match extension {
                Some(extension) if is_automated => format!("{modifier}*.{extension}"),
                Some(extension) => format!("{modifier}.{extension}"),
                None if container == "RAW" => format!("{modifier}.*.jpg"),
                None => format!("{modifier}.{}", container.to_ascii_lowercase()),
            });
        }
    }
    names
}

#[test]
fn no_two_outputs_of_a_job_have_one_name() {
    for profile in Profile::all() {
        let names = names(&body(profile));
        assert_eq!(
            names.iter().collect::<BTreeSet<_>>().len(),
            names.len(),
            "{profile}: {names:?}"
        );
    }
}

/// The price page's bands: by height, as the user guide's list of usage types has them.
fn band(video: &Value) -> &'static str {
    let (width, height) = SOURCE;
    let within = video["width"].as_u64().unwrap_or(width);
    match height * within.min(width) / width {
        ..720 => "SD",
        720..=1080 => "HD",
        _ => "4K",
    }
}

/// Output minutes for a minute of the source, by band; captures are counted apart.
fn output_minutes(body: &Value) -> BTreeMap<&'static str, u64> {
    let mut minutes = BTreeMap::new();
    for group in groups(body) {
        let renditions = &group["automatedEncodingSettings"]["abrSettings"]["maxRenditions"];
        for output in list(&group["outputs"]) {
            let (band, count) = match codec(output) {
                Some("FRAME_CAPTURE") => continue,
                Some(_) => (
                    band(&output["videoDescription"]),
                    renditions.as_u64().unwrap_or(1),
                ),
                None => ("audio", 1),
            };
            *minutes.entry(band).or_default() += count;
        }
    }
    minutes
}

/// Those minutes with the multipliers the document gives, in hundredths; nothing where it gives none.
fn normalized_minutes(body: &Value) -> Option<u64> {
    let known = |output| codec(output).is_none_or(|codec| matches!(codec, "H_264" | "FRAME_CAPTURE"));
    (not_basic(body).is_empty() && outputs(body).all(known)).then(|| {
        let multiplier = |band| match band {
            "HD" => 200,
            "SD" => 100,
            "audio" => 39,
            other => panic!("no multiplier of {other}"),
        };
        let minutes = output_minutes(body);
        minutes
            .iter()
            .map(|(band, count)| multiplier(*band) * count)
            .sum()
    })
}

/// The cells of the document's table, by profile and column.
fn documented() -> BTreeMap<&'static str, BTreeMap<&'static str, &'static str>> {
    let mut rows = DOCUMENT
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| {
            let cells = line.trim_matches('|').split('|').map(str::trim);
            cells.collect::<Vec<_>>()
        });
    let header = rows.find(|row| row[0] == "profile").unwrap();
    rows.filter_map(|row| {
        let name = row[0].strip_prefix("[`")?.split_once('`')?.0;
        Some((name, header.iter().copied().zip(row).collect()))
    })
    .collect()
}

#[test]
fn the_document_has_a_row_and_a_section_for_each() {
    let documented = documented();
    let names: Vec<_> = Profile::all().map(Profile::name).collect();
    assert_eq!(documented.keys().copied().collect::<Vec<_>>(), names);
    for name in names {
        assert_eq!(documented[name]["profile"], format!("[`{name}`](#{name})"));
        assert!(
            DOCUMENT.lines().any(|line| line == format!("## {name}")),
            "{name} has no section"
        );
    }
}

#[test]
fn the_document_tells_the_files_and_what_they_cost() {
    for profile in Profile::all() {
        let (body, row) = (body(profile), &documented()[profile.name()]);
        let names: Vec<_> = names(&body).iter().map(|name| format!("`{name}`")).collect();
        assert_eq!(row["added to the input's name"], names.join(" "), "{profile}");

        let tier = if not_basic(&body).is_empty() {
            "Basic"
        } else {
            "**Professional**"
        };
        assert_eq!(row["tier"], tier, "{profile}");

        let minutes = output_minutes(&body);
        let minutes: Vec<_> = ["HD", "SD", "audio"]
            .iter()
            .filter_map(|band| Some(format!("{} {band}", minutes.get(band)?)))
            .collect();
        let at_most = if profile.name() == PROFESSIONAL {
            "at most "
        } else {
            ""
        };
        assert_eq!(
            row["output minutes"],
            format!("{at_most}{}", minutes.join(" + ")),
            "{profile}"
        );

        let normalized = normalized_minutes(&body).map_or("see below".to_owned(), |hundredths| {
            let digits = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            digits.trim_end_matches('0').trim_end_matches('.').to_owned()
        });
        assert_eq!(row["normalized minutes"], normalized, "{profile}");
    }
}

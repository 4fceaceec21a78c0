//! The lists of members that a request's safety rests on, held to AWS's own model of the service: a
//! member that a later MediaConvert adds fails here before anybody can use it to read or write where
//! they may not.

use std::collections::BTreeSet;

use mediaconvert_model::{Member, MemberKind, members_of, members_under};

use crate::definition::SETTINGS;
use crate::json_style::MAPS;
use crate::media_uris::{READ, TEXT, WRITTEN};

/// What its pattern or its name says is the place of something.
fn is_place(member: &Member<'_>) -> bool {
    let MemberKind::Text(pattern) = member.kind else {
        return false;
    };
    let name = member.name.to_ascii_lowercase();
    pattern.is_some_and(|pattern| pattern.contains("s3:") || pattern.contains("http"))
        || ["uri", "url", "destination"]
            .iter()
            .any(|end| name.ends_with(end))
}

fn names<'model>(members: impl Iterator<Item = Member<'model>>) -> BTreeSet<&'model str> {
    members.map(|member| member.name).collect()
}

#[test]
fn every_place_in_the_settings_is_known_to_be_read_written_or_mere_text() {
    let members = members_under("JobSettings");
    let places = names(members.iter().copied().filter(is_place));
    let listed: BTreeSet<_> = READ.into_iter().chain(WRITTEN).chain(TEXT).collect();
    // Its values go into manifests as they are, and may look like URIs.
    let by_value_alone = BTreeSet::from(["timedMetadataValue"]);
    assert_eq!(&places | &by_value_alone, listed);
    assert!(by_value_alone.is_subset(&names(members.into_iter())));
}

#[test]
fn what_is_written_is_told_from_what_is_read_by_its_name() {
    let members = members_under("JobSettings");
    let destinations = members
        .into_iter()
        .filter(|member| is_place(member) && member.name.to_ascii_lowercase().ends_with("destination"));
    assert_eq!(names(destinations), BTreeSet::from(WRITTEN));
}

#[test]
fn every_map_keeps_its_keys() {
    let maps = members_under("JobSettings")
        .into_iter()
        .filter(|member| member.kind == MemberKind::Map);
    assert_eq!(names(maps), BTreeSet::from(MAPS));
}

#[test]
fn the_members_of_job_settings_are_the_models() {
    assert_eq!(
        names(members_of("JobSettings").into_iter()),
        BTreeSet::from(SETTINGS)
    );
}

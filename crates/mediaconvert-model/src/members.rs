//! Every member there is: for whoever keeps a list of some of them and has to know when AWS adds one.

use std::collections::BTreeSet;

use crate::{SHAPES, Shape, Type};

/// A member of a structure, or the items of one that is a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member<'model> {
    /// As the REST API writes it.
    pub name: &'model str,
    /// What its values are.
    pub kind: MemberKind<'model>,
}

/// What a member's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberKind<'model> {
    /// A text that its writer chooses, and the pattern it has to match.
    Text(Option<&'model str>),
    /// Names that its writer chooses, each with a value.
    Map,
    /// Anything else.
    Other,
}

/// The members of the shape called `shape` itself.
///
/// # Panics
/// There is no such shape.
#[must_use]
pub fn members_of(shape: &str) -> BTreeSet<Member<'static>> {
    let shape: &'static Shape = &SHAPES[shape];
    let members = shape.members.iter().map(|(name, reference)| Member {
        name: reference.location_name.as_deref().unwrap_or(name),
        kind: kind(&reference.shape),
    });
    members.collect()
}

/// The members of the shape called `shape` and of everything under it.
///
/// # Panics
/// There is no such shape.
#[must_use]
pub fn members_under(shape: &str) -> BTreeSet<Member<'static>> {
    let mut seen = BTreeSet::new();
    let mut todo = vec![shape];
    let mut members = BTreeSet::new();
    while let Some(name) = todo.pop() {
        if seen.insert(name) {
            let shape: &'static Shape = &SHAPES[name];
            let below = shape.members.values().chain(&shape.member).chain(&shape.value);
            todo.extend(below.map(|reference| &*reference.shape));
            members.extend(members_of(name));
        }
    }
    members
}

fn kind(shape: &str) -> MemberKind<'static> {
    let shape: &'static Shape = &SHAPES[shape];
    match (shape.r#type, &shape.member) {
        (Type::List, Some(item)) => kind(&item.shape),
        (Type::Map, _) => MemberKind::Map,
        (Type::String, _) if shape.r#enum.is_none() => MemberKind::Text(shape.pattern.as_deref()),
        _ => MemberKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_however_deep() {
        let members = members_under("CreateJobRequest");
        let one = |name| members.iter().find(|member| member.name == name).unwrap().kind;
        assert_eq!(one("audioSelectors"), MemberKind::Map);
        assert!(
            matches!(one("supplementalImps"), MemberKind::Text(Some(pattern)) if pattern.contains("s3:"))
        );
        assert_eq!(one("nameModifier"), MemberKind::Text(None));
        assert_eq!(one("rateControlMode"), MemberKind::Other);
    }
}

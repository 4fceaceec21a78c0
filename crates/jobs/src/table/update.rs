//! UpdateItem expressions for the join.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_dynamo::aws_sdk_dynamodb_1::to_item;

use super::open_items::{OPEN_KEYS, OpenItem};
use crate::event::Kind;
use crate::job::MAX_WARNINGS;
use crate::{Job, Status};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The times, statuses and kinds the join decides by. Two rows of one job that agree in them differ in
/// nothing but warnings.
const DECIDING: [&str; 9] = [
    "status",
    "statusTimestamp",
    "recovered",
    "startedAt",
    "progressTimestamp",
    "inputDetailsTimestamp",
    "updatedAt",
    "updatedBy",
    "submittedAt",
];

/// What each group of attributes can lack, and a newer value of the group must therefore remove.
const END: [&str; 10] = [
    "finishedAt",
    "expiresAt",
    "outputs",
    "outputsOmitted",
    "playlists",
    "playlistsOmitted",
    "warningCounts",
    "warningCountsOmitted",
    "errorCode",
    "errorMessage",
];
const PROGRESS: [&str; 3] = ["percentComplete", "currentPhase", "retryCount"];
const INPUTS: [&str; 1] = ["inputDetailsOmitted"];
const LATEST: [&str; 3] = ["updatedBy", "queue", "userMetadata"];
const SUBMITTED: [&str; 2] = ["profile", "idempotencyKey"];

/// The parts of one conditional UpdateItem. Every name is aliased, because DynamoDB reserves many of
/// ours (`status`, `input`, `outputs`, …).
#[derive(Debug, Default)]
pub(super) struct Update {
    pub(super) expression: String,
    pub(super) condition: String,
    pub(super) names: HashMap<String, String>,
    pub(super) values: Item,
    /// What only the row itself tells of the write.
    pub(super) returns: Returns,
}

/// What an update asks DynamoDB to answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Returns {
    #[default]
    Nothing,
    /// The status, which the update may have left as it was.
    Status,
    /// The row, which knows when the job that ended was submitted.
    Row,
}

#[derive(Default)]
struct Builder {
    set: Vec<String>,
    add: Vec<String>,
    remove: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: Item,
}

impl Update {
    /// Writes `alone`, the row of one event, over whatever the row holds, on condition that the
    /// event is the newest of its kind: then the outcome is the join.
    pub(super) fn in_order(alone: &Job) -> Self {
        let mut update = Builder::default();
        let mut item = attributes(alone);
        item.remove("jobId");
        let keeps_status = !alone.tells_status();
        if keeps_status {
            update.if_open();
            update.set_if_absent("status", &mut item);
            update.set_if_absent("statusTimestamp", &mut item);
        } else {
            update.if_status_wins(alone, &mut item);
        }
        update.keep_open_while_unfinished(alone);
        if alone.state.status.is_terminal() {
            update.remove_all_but(&END, &item);
        }
        if alone.started_at.is_some() {
            update.if_none_or("startedAt", "<=");
            update.set_if_absent("startedAt", &mut item);
        }
        if alone.progress.is_some() {
            update.remove_all_but(&PROGRESS, &item);
            if alone.state.status != Status::Complete {
                update.if_none_or("progressTimestamp", "<");
            }
        }
        if alone.inputs.is_some() {
            update.remove_all_but(&INPUTS, &item);
            update.if_none_or("inputDetailsTimestamp", "<");
        }
        if alone.submitted.is_some() {
            update.remove_all_but(&SUBMITTED, &item);
            update.if_absent("submittedAt");
        }
        update.remove_all_but(&LATEST, &item);
        update.if_newest(alone);
        update.add_warnings(&alone.warnings);
        item.remove("warnings");
        update.set_all(item);
        let returns = match alone.state.status {
            _ if keeps_status => Returns::Status,
            status if status.is_terminal() => Returns::Row,
            _ => Returns::Nothing,
        };
        Self {
            returns,
            ..update.build()
        }
    }

    /// Turns `row` into `merged`, on condition that the table still holds `row`.
    pub(super) fn between(row: &Job, merged: &Job) -> Self {
        let mut update = Builder::default();
        let before = attributes(row);
        for name in DECIDING {
            match before.get(name) {
                Some(value) => update.if_equal(name, value.clone()),
                None => update.if_absent(name),
            }
        }
        let mut after = attributes(merged);
        update.add_warnings(&merged.warnings.difference(&row.warnings).cloned().collect());
        for name in before
            .keys()
            .filter(|name| *name != "warnings" && !after.contains_key(*name))
        {
            update.remove(name);
        }
        after.retain(|name, value| name != "warnings" && before.get(name) != Some(value));
        update.set_all(after);
        update.keep_open_while_unfinished(merged);
        update.build()
    }
}

impl Builder {
    fn set_all(&mut self, item: Item) {
        for (name, value) in item {
            let set = format!("{} = {}", self.name(&name), self.value(&name, value));
            self.set.push(set);
        }
    }

    fn set_if_absent(&mut self, name: &str, item: &mut Item) {
        if let Some(value) = item.remove(name) {
            let (name, value) = (self.name(name), self.value(name, value));
            self.set.push(format!("{name} = if_not_exists({name}, {value})"));
        }
    }

    fn remove(&mut self, name: &str) {
        let name = self.name(name);
        self.remove.push(name);
    }

    fn remove_all_but(&mut self, group: &[&str], item: &Item) {
        for name in group.iter().filter(|name| !item.contains_key(**name)) {
            self.remove(name);
        }
    }

    /// A set only grows, so that no writer can lose another's warning.
    fn add_warnings(&mut self, warnings: &BTreeSet<String>) {
        if warnings.is_empty() {
            return;
        }
        let warnings = AttributeValue::Ss(warnings.iter().cloned().collect());
        let (name, value) = (self.name("warnings"), self.value("warnings", warnings));
        let most = AttributeValue::N(MAX_WARNINGS.to_string());
        let most = self.value("maxWarnings", most);
        self.add.push(format!("{name} {value}"));
        self.conditions
            .push(format!("(attribute_not_exists({name}) OR size({name}) < {most})"));
    }

    /// The row, once written, is in the index of open items for as long as its job has not ended. One
    /// that is there already stays at its place, which costs the index nothing.
    fn keep_open_while_unfinished(&mut self, written: &Job) {
        if written.state.status.is_terminal() {
            for name in OPEN_KEYS {
                self.remove(name);
            }
            return;
        }
        let mut keys = OpenItem::Job.keys(written.latest.updated_at);
        for name in OPEN_KEYS {
            self.set_if_absent(name, &mut keys);
        }
    }

    /// There is no row, or its job has not ended: only then may the row be in the index of open items.
    fn if_open(&mut self) {
        let status = self.name("status");
        let open = Status::ALL.into_iter().filter(|status| !status.is_terminal());
        let open: Vec<String> = open
            .map(|open| self.value(open.as_str(), AttributeValue::S(open.as_str().to_owned())))
            .collect();
        self.conditions.push(format!(
            "(attribute_not_exists({status}) OR {status} IN ({}))",
            open.join(", ")
        ));
    }

    /// The status to be written wins over the row's: it is higher, or not terminal and no older.
    fn if_status_wins(&mut self, alone: &Job, item: &mut Item) {
        let status = self.name("status");
        let mut wins = vec![format!("attribute_not_exists({status})")];
        for lower in Status::ALL
            .into_iter()
            .filter(|lower| *lower < alone.state.status)
        {
            let value = AttributeValue::S(lower.as_str().to_owned());
            let value = self.value(lower.as_str(), value);
            wins.push(format!("{status} = {value}"));
        }
        // Of two equal ones the other may be an event's, and then an answer loses.
        if !alone.state.status.is_terminal() && !alone.state.recovered {
            let time = self.name("statusTimestamp");
            wins.push(format!("({status} = :status AND {time} <= :statusTimestamp)"));
        }
        if !alone.state.recovered {
            self.remove("recovered");
        }
        self.conditions.push(format!("({})", wins.join(" OR ")));
        let state = ["status", "statusTimestamp"].map(|name| item.remove_entry(name));
        self.set_all(state.into_iter().flatten().collect());
    }

    /// The attribute is absent, or compares so with the value to be written.
    fn if_none_or(&mut self, name: &str, comparison: &str) {
        let alias = self.name(name);
        self.conditions.push(format!(
            "(attribute_not_exists({alias}) OR {alias} {comparison} :{name})"
        ));
    }

    /// The event to be written is the newest of any kind; of two at one time, the one of the later kind.
    fn if_newest(&mut self, alone: &Job) {
        let (at, by) = (self.name("updatedAt"), self.name("updatedBy"));
        let mut earlier = vec![format!("attribute_not_exists({by})")];
        for kind in Kind::ALL
            .into_iter()
            .filter(|kind| Some(*kind) < alone.latest.updated_by)
        {
            let value = AttributeValue::S(kind.as_str().to_owned());
            let value = self.value(&format!("by_{}", kind.as_str()), value);
            earlier.push(format!("{by} = {value}"));
        }
        self.conditions.push(format!(
            "(attribute_not_exists({at}) OR {at} < :updatedAt OR ({at} = :updatedAt AND ({})))",
            earlier.join(" OR ")
        ));
    }

    fn if_absent(&mut self, name: &str) {
        let name = self.name(name);
        self.conditions.push(format!("attribute_not_exists({name})"));
    }

    fn if_equal(&mut self, name: &str, value: AttributeValue) {
        let seen = format!("seen_{name}");
        let (name, value) = (self.name(name), self.value(&seen, value));
        self.conditions.push(format!("{name} = {value}"));
    }

    fn name(&mut self, name: &str) -> String {
        let alias = format!("#{name}");
        self.names.insert(alias.clone(), name.to_owned());
        alias
    }

    fn value(&mut self, name: &str, value: AttributeValue) -> String {
        let alias = format!(":{name}");
        self.values.insert(alias.clone(), value);
        alias
    }

    fn build(self) -> Update {
        let clauses = [("SET", self.set), ("ADD", self.add), ("REMOVE", self.remove)];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        let expression: Vec<String> = clauses
            .map(|(clause, parts)| format!("{clause} {}", parts.join(", ")))
            .collect();
        Update {
            expression: expression.join(" "),
            condition: self.conditions.join(" AND "),
            names: self.names,
            values: self.values,
            returns: Returns::default(),
        }
    }
}

/// The attributes of a row as the table holds them.
fn attributes(job: &Job) -> Item {
    #[expect(
        clippy::expect_used,
        reason = "every member of Job is a text, number, list or map"
    )]
    let mut item: Item = to_item(job).expect("a job is an item");
    if !job.warnings.is_empty() {
        // A set, so that ADD can join to it; serde knows lists alone.
        let warnings = AttributeValue::Ss(job.warnings.iter().cloned().collect());
        item.insert("warnings".to_owned(), warnings);
    }
    item
}

//! Claims: under one idempotency key one job is started, however often and from wherever the
//! request comes.
//!
//! A claim is an item of the jobs table, `jobId` = `idempotency#<key>`. Who writes it first may
//! create the job, for as long as the invocation can last; then `claimedJobId` says which job the
//! key stands for. A claim whose time is over without one was left by an invocation that ended in
//! between: the next one takes it over, and has to ask MediaConvert whether the job was created.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jobs::table::open_items::OpenItem;
use jobs::{JobId, Retention, Submission, Timestamp};
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};
use startup::logging::with_causes;

use crate::fingerprint::Fingerprint;
use crate::request::Incoming;

/// A claim, as the table holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The partition key. No job's id has a `#` in it.
    job_id: String,
    /// Who may create the job: a name that no other attempt has.
    claimant: String,
    /// Until when. Nobody outlives the deadline of the invocation.
    claimed_until: Timestamp,
    /// What was asked for under the key. Claims of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<Fingerprint>,
    /// The token that `CreateJob` is called with.
    pub client_request_token: String,
    /// What is submitted under that token.
    pub submission: Submission,
    /// The job, once it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_job_id: Option<JobId>,
    /// Whether the job's row has the submission. It may have expired since, and then a second writing
    /// would raise it again for ever.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recorded: bool,
    /// When DynamoDB may delete the claim, in epoch **seconds**.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

impl Claim {
    /// `token`'s claim on the key of `request`, good until `deadline`.
    #[must_use]
    pub fn new(request: &Incoming, token: &str, deadline: Timestamp, submission: Submission) -> Self {
        Self {
            job_id: item_key(&request.key),
            claimant: token.to_owned(),
            claimed_until: deadline,
            fingerprint: Some(request.fingerprint.clone()),
            client_request_token: token.to_owned(),
            submission,
            claimed_job_id: None,
            recorded: false,
            expires_at: None,
        }
    }

    /// Whether nobody before can have created a job under its token.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.claimant == self.client_request_token
    }

    /// Whether it was made for this request, and not for another under the same key.
    #[must_use]
    pub fn is_for(&self, request: &Incoming) -> bool {
        match &self.fingerprint {
            Some(fingerprint) => *fingerprint == request.fingerprint,
            None => request.input() == Some(self.submission.input.as_str()),
        }
    }

    /// Whether its claimant's time is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        // The clocks of two invocations may differ.
        const SKEW_MS: u64 = 2_000;
        now.as_millis() > self.claimed_until.as_millis() + SKEW_MS
    }

    /// Makes it the claim of `request`, which found no job under it. One that asks for something else
    /// gets a token of its own: under the old one MediaConvert could still know the other job.
    pub fn hand_to(&mut self, request: &Incoming) {
        if !self.is_for(request) {
            self.client_request_token.clone_from(&self.claimant);
        }
        self.fingerprint = Some(request.fingerprint.clone());
    }

    /// Whether its job's row needs no writing: it was written, or it may have expired, and then nothing
    /// would ever delete a new one.
    #[must_use]
    pub fn is_settled(&self, now: Timestamp) -> bool {
        const LEAST_MS: u64 = Retention::LEAST_DAYS as u64 * 24 * 60 * 60 * 1000;
        self.recorded || now.as_millis() > self.claimed_until.as_millis() + LEAST_MS
    }

    /// As it says that nothing is left to be done.
    #[must_use]
    pub(crate) fn settled(self) -> Self {
        Self {
            recorded: true,
            ..self
        }
    }

    fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at < now.as_millis() / 1000)
    }
}

fn item_key(key: &str) -> String {
    format!("idempotency#{key}")
}

/// Whether there is a claim, and which, can't be told.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// DynamoDB did not read it; later it can work.
    #[error("can't read item {item:?} of table {table}")]
    Unread {
        /// The item's key.
        item: String,
        /// The table.
        table: String,
        /// What the SDK says.
        source: Box<SdkError<GetItemError>>,
    },
    /// DynamoDB did not write it; later it can work.
    #[error("can't write item {item:?} of table {table}")]
    Unwritten {
        /// The item's key.
        item: String,
        /// The table.
        table: String,
        /// What the SDK says.
        source: Box<SdkError<PutItemError>>,
    },
    /// DynamoDB takes no such item, now or later.
    #[error("DynamoDB refuses item {item:?} of table {table}: {message}")]
    Refused {
        /// The item's key.
        item: String,
        /// The table.
        table: String,
        /// DynamoDB's words.
        message: String,
    },
    /// Somebody else wrote something under the key that is not a claim.
    #[error("can't understand item {item:?} of table {table}; mend or delete it")]
    Unreadable {
        /// The item's key.
        item: String,
        /// The table.
        table: String,
        /// The attribute that is wrong, and why.
        source: serde_dynamo::Error,
    },
}

impl ClaimError {
    /// Whether the same call can succeed later.
    #[must_use]
    pub fn is_curable(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

/// The claims in the jobs table.
#[derive(Clone, Debug)]
pub struct Claims {
    client: Client,
    table: String,
    retention: Retention,
}

/// What DynamoDB made of a conditional write.
enum Put {
    Written,
    /// The condition failed; the claim in the way, unless there is none any more.
    InTheWay(Option<Box<Claim>>),
}

impl Claims {
    /// The claims in `table`. They expire `retention` after they are made.
    #[must_use]
    pub fn new(client: Client, table: String, retention: Retention) -> Self {
        Self {
            client,
            table,
            retention,
        }
    }

    /// The claim on `key`, if there is one at `now`.
    ///
    /// # Errors
    /// See [`ClaimError`].
    pub async fn find(&self, key: &str, now: Timestamp) -> Result<Option<Claim>, ClaimError> {
        self.find_item(&item_key(key), now).await
    }

    /// The claim with the partition key `item`, if there is one at `now`.
    ///
    /// # Errors
    /// See [`ClaimError`].
    pub async fn find_item(&self, item: &str, now: Timestamp) -> Result<Option<Claim>, ClaimError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("jobId", AttributeValue::S(item.to_owned()))
            .consistent_read(true)
            .send();
        // The SDK's future is large, and every caller's would hold it.
        let found = Box::pin(request).await.map_err(|error| {
            self.refused(item, &error).unwrap_or_else(|| ClaimError::Unread {
                item: item.to_owned(),
                table: self.table.clone(),
                source: Box::new(error),
            })
        })?;
        let claim = found.item.map(|found| self.read(item, found)).transpose()?;
        // DynamoDB deletes an expired item days late.
        Ok(claim.filter(|claim| !claim.has_expired(now)))
    }

    /// Makes `claim`, unless its key is claimed already. The claim as it is then, if it is this one.
    ///
    /// # Errors
    /// See [`ClaimError`].
    pub async fn take(&self, claim: Claim, now: Timestamp) -> Result<Option<Claim>, ClaimError> {
        let claim = Claim {
            expires_at: self.retention.expiry(now),
            ..claim
        };
        let unclaimed = "attribute_not_exists(jobId) OR expiresAt < :now";
        let seconds = AttributeValue::N((now.as_millis() / 1000).to_string());
        Ok(match self.put(&claim, unclaimed, (":now", seconds)).await? {
            Put::Written => Some(claim),
            // Written by an attempt whose answer was lost.
            Put::InTheWay(Some(before)) if before.claimant == claim.claimant => Some(claim),
            Put::InTheWay(_) => None,
        })
    }

    /// Makes `before`, whose claimant's time is over, the claim of `claimant` until `deadline`, unless
    /// somebody else was quicker. Its token stays: it is what MediaConvert knows the job by, if there
    /// is one.
    ///
    /// # Errors
    /// See [`ClaimError`].
    pub async fn take_over(
        &self,
        before: Claim,
        claimant: &str,
        deadline: Timestamp,
    ) -> Result<Option<Claim>, ClaimError> {
        let unchanged = "claimant = :claimant AND attribute_not_exists(claimedJobId)";
        let over = Claim {
            claimant: claimant.to_owned(),
            claimed_until: deadline,
            ..before.clone()
        };
        let seen = AttributeValue::S(before.claimant);
        Ok(match self.put(&over, unchanged, (":claimant", seen)).await? {
            Put::Written => Some(over),
            // Written by an attempt whose answer was lost.
            Put::InTheWay(Some(before)) if *before == over => Some(over),
            Put::InTheWay(_) => None,
        })
    }

    /// Writes what has changed in a claim. False if somebody took it over; then theirs stays.
    ///
    /// # Errors
    /// See [`ClaimError`]. Doing it again does no harm.
    pub async fn update(&self, claim: &Claim) -> Result<bool, ClaimError> {
        let claimant = AttributeValue::S(claim.claimant.clone());
        let put = self.put(claim, "claimant = :claimant", (":claimant", claimant));
        Ok(matches!(put.await?, Put::Written))
    }

    /// Gives up a claim under which certainly no job was created, so that its key is free at once.
    /// If that fails, the key is free when the claim's time is over.
    pub async fn give_up(&self, claim: &Claim) {
        let deletion = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("jobId", AttributeValue::S(claim.job_id.clone()))
            .condition_expression("claimant = :claimant")
            .expression_attribute_values(":claimant", AttributeValue::S(claim.claimant.clone()))
            .send();
        if let Err(error) = Box::pin(deletion).await {
            let error = with_causes(&error);
            tracing::warn!(claim = claim.job_id, error, "claim kept until its time is over");
        }
    }

    async fn put(
        &self,
        claim: &Claim,
        condition: &str,
        (name, value): (&str, AttributeValue),
    ) -> Result<Put, ClaimError> {
        #[expect(
            clippy::expect_used,
            reason = "every member of Claim is a text, number or map"
        )]
        let mut item: HashMap<_, _> = to_item(claim).expect("a claim is an item");
        if !claim.recorded {
            // In case nobody comes back for it.
            item.extend(OpenItem::Claim.keys(claim.claimed_until));
        }
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .expression_attribute_values(name, value)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send();
        // The SDK's future is large, and every caller's would hold it.
        let Err(error) = Box::pin(request).await else {
            return Ok(Put::Written);
        };
        let Some(PutItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() else {
            let refused = self.refused(&claim.job_id, &error);
            return Err(refused.unwrap_or_else(|| ClaimError::Unwritten {
                item: claim.job_id.clone(),
                table: self.table.clone(),
                source: Box::new(error),
            }));
        };
        let before = refused.item().cloned();
        let before = before.map(|item| self.read(&claim.job_id, item)).transpose()?;
        Ok(Put::InTheWay(before.map(Box::new)))
    }

    fn read(&self, key: &str, item: HashMap<String, AttributeValue>) -> Result<Claim, ClaimError> {
        from_item(item).map_err(|source| ClaimError::Unreadable {
            item: key.to_owned(),
            table: self.table.clone(),
            source,
        })
    }

    /// What DynamoDB takes neither now nor later.
    fn refused<E: ProvideErrorMetadata>(&self, key: &str, error: &SdkError<E>) -> Option<ClaimError> {
        let refusal = error.as_service_error()?;
        (refusal.code() == Some("ValidationException")).then(|| ClaimError::Refused {
            item: key.to_owned(),
            table: self.table.clone(),
            message: refusal.message().unwrap_or("ValidationException").to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::test_util::StaticReplayClient;
    use serde_json::{Value, json};

    use super::*;
    use crate::mediaconvert::tests::answering;
    use crate::submit::tests::{claim as item, dynamodb, refused, written};

    fn wanted(token: &str) -> Claim {
        let submission = Submission {
            submitted_at: Timestamp::from_millis(1),
            input: "s3://uploads/clip.mov".parse().unwrap(),
            profile: None,
            destination: "s3://media/transcoded/42/".to_owned(),
            idempotency_key: None,
            queue: None,
            user_metadata: None,
        };
        let request = Incoming::of_input(submission.input.to_string(), "k".to_owned());
        Claim::new(&request, token, Timestamp::from_millis(30_000), submission)
    }

    fn claims(http: &StaticReplayClient) -> Claims {
        let retention = Retention::from_days(15).unwrap();
        Claims::new(dynamodb(http), "jobs".to_owned(), retention)
    }

    const NOW: Timestamp = Timestamp::from_millis(10_000);

    /// The SDK repeats a write whose answer was lost, and then the condition finds the first one.
    #[tokio::test]
    async fn a_claim_whose_answer_was_lost_is_ones_own() {
        let own = claims(&answering([refused(&item(30_000, None))]));
        let claim = own.take(wanted("earlier"), NOW).await.unwrap().unwrap();
        assert!(claim.is_first());

        let before: Claim = serde_json::from_value(json!({
            "jobId": "idempotency#k", "claimant": "earlier", "claimedUntil": 1, "clientRequestToken": "earlier",
            "submission": wanted("earlier").submission,
        }))
        .unwrap();
        let mut over = item(30_000, None);
        over["claimant"] = json!({ "S": "later" });
        over["submission"]["M"] = json!({
            "submittedAt": { "N": "1" },
            "input": { "S": "s3://uploads/clip.mov" },
            "destination": { "S": "s3://media/transcoded/42/" },
        });
        let later = claims(&answering([refused(&over)]));
        let deadline = Timestamp::from_millis(30_000);
        let claim = later.take_over(before, "later", deadline).await.unwrap().unwrap();
        assert!(!claim.is_first());
        assert_eq!(claim.client_request_token, "earlier");
    }

    #[tokio::test]
    async fn a_claim_lives_as_long_as_a_job_and_an_expired_one_is_none() {
        let http = answering([written()]);
        claims(&http).take(wanted("later"), NOW).await.unwrap();
        let sent = http.actual_requests().next().unwrap();
        let sent: Value = serde_json::from_slice(sent.body().bytes().unwrap()).unwrap();
        assert_eq!(
            sent["Item"]["expiresAt"],
            json!({ "N": (10 + 15 * 24 * 60 * 60).to_string() })
        );
        assert_eq!(
            sent["ConditionExpression"],
            "attribute_not_exists(jobId) OR expiresAt < :now"
        );
        assert_eq!(
            sent["ExpressionAttributeValues"],
            json!({ ":now": { "N": "10" } })
        );

        let mut expired = item(1, None);
        expired["expiresAt"] = json!({ "N": "9" });
        let http = answering([(200, json!({ "Item": expired }))]);
        assert_eq!(claims(&http).find("k", NOW).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_dynamodb_takes_no_time_for_it_may_take_later_but_what_it_refuses_never() {
        for (status, kind, curable) in [
            (400, "ValidationException", false),
            (400, "ProvisionedThroughputExceededException", true),
            (500, "InternalServerError", true),
        ] {
            let failure = (
                status,
                json!({ "__type": kind, "message": "Item size has exceeded" }),
            );
            let (http, again) = (answering([failure.clone()]), answering([failure]));
            for error in [
                claims(&http).take(wanted("t"), NOW).await.unwrap_err(),
                claims(&again).find("k", NOW).await.unwrap_err(),
            ] {
                assert_eq!(error.is_curable(), curable, "{error}");
            }
        }
    }
}

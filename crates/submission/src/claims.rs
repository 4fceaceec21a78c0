//! Claims: under one idempotency key one job is started, however often and from wherever the
//! request comes.
//!
//! A claim is an item of the jobs table, `jobId` = `idempotency#<key>`. Who writes it first may
//! create the job, for as long as the invocation can last; then `claimedJobId` says which job the
//! key stands for. A claim whose time is over without one was left by an invocation that ended in
//! between: the next one takes it over, and has to ask MediaConvert whether the job was created.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jobs::{JobId, Retention, Submission, Timestamp};
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};
use startup::logging::with_causes;

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
    /// The token that `CreateJob` is called with.
    pub client_request_token: String,
    /// What is submitted under that token.
    pub submission: Submission,
    /// The job, once it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_job_id: Option<JobId>,
    /// When DynamoDB may delete the claim, in epoch **seconds**.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

impl Claim {
    /// `token`'s claim on `key`, good until `deadline`.
    #[must_use]
    pub fn new(key: &str, token: &str, deadline: Timestamp, submission: Submission) -> Self {
        Self {
            job_id: format!("idempotency#{key}"),
            claimant: token.to_owned(),
            claimed_until: deadline,
            client_request_token: token.to_owned(),
            submission,
            claimed_job_id: None,
            expires_at: None,
        }
    }

    /// Whether nobody before can have created a job under its token.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.claimant == self.client_request_token
    }

    fn is_over(&self, now: Timestamp) -> bool {
        // The clocks of two invocations may differ.
        const SKEW_MS: u64 = 2_000;
        now.as_millis() > self.claimed_until.as_millis() + SKEW_MS
    }
}

/// What came of claiming a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nobody had it.
    New(Claim),
    /// Somebody ended while they had it, and may have created the job.
    Over(Claim),
    /// Its job exists.
    Done(JobId, Submission),
    /// Somebody has it now.
    Busy,
}

/// Nothing is known to be written.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// DynamoDB did not do it; later it can work.
    #[error("can't write item {item:?} of table {table}")]
    Unavailable {
        /// The item's key.
        item: String,
        /// The table.
        table: String,
        /// What the SDK says.
        source: Box<SdkError<PutItemError>>,
    },
    /// Somebody else wrote something under the key that is no claim.
    #[error("can't read item {item:?} of table {table}; mend or delete it")]
    Unreadable {
        /// The item's key.
        item: String,
        /// The table.
        table: String,
        /// The attribute that is wrong, and why.
        source: serde_dynamo::Error,
    },
}

/// The claims in the jobs table.
#[derive(Clone, Debug)]
pub struct Claims {
    client: Client,
    table: String,
    retention: Retention,
}

/// What DynamoDB made of a write.
enum Answer {
    Written,
    /// The condition failed; the claim in the way, unless there is none any more.
    Refused(Option<Box<Claim>>),
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

    /// Takes `claim`, unless its key is claimed already.
    ///
    /// # Errors
    /// See [`ClaimError`].
    pub async fn take(&self, claim: &Claim, now: Timestamp) -> Result<Taken, ClaimError> {
        let claim = Claim {
            expires_at: self.retention.expiry(now),
            ..claim.clone()
        };
        // DynamoDB deletes an expired item days late.
        let unclaimed = "attribute_not_exists(jobId) OR expiresAt < :now";
        let seconds = AttributeValue::N((now.as_millis() / 1000).to_string());
        match self.put(&claim, unclaimed, (":now", seconds)).await? {
            Answer::Written => Ok(Taken::New(claim)),
            Answer::Refused(Some(before)) => match before.claimed_job_id {
                Some(job_id) => Ok(Taken::Done(job_id, before.submission)),
                // Written by an attempt whose answer was lost.
                None if before.claimant == claim.claimant => Ok(Taken::New(claim)),
                None if before.is_over(now) => self.take_over(*before, claim).await,
                None => Ok(Taken::Busy),
            },
            Answer::Refused(None) => Ok(Taken::Busy),
        }
    }

    /// The token stays: it is what MediaConvert knows the job by, if there is one.
    async fn take_over(&self, before: Claim, claim: Claim) -> Result<Taken, ClaimError> {
        let unchanged = "claimant = :claimant AND attribute_not_exists(claimedJobId)";
        let over = Claim {
            client_request_token: before.client_request_token,
            submission: before.submission,
            ..claim
        };
        let claimant = AttributeValue::S(before.claimant);
        Ok(match self.put(&over, unchanged, (":claimant", claimant)).await? {
            Answer::Written => Taken::Over(over),
            Answer::Refused(Some(before)) if *before == over => Taken::Over(over),
            Answer::Refused(_) => Taken::Busy,
        })
    }

    /// Writes what has changed in a claim. False if somebody took it over; then theirs stays.
    ///
    /// # Errors
    /// See [`ClaimError`]. Doing it again does no harm.
    pub async fn update(&self, claim: &Claim) -> Result<bool, ClaimError> {
        let claimant = AttributeValue::S(claim.claimant.clone());
        let answer = self.put(claim, "claimant = :claimant", (":claimant", claimant));
        Ok(matches!(answer.await?, Answer::Written))
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
    ) -> Result<Answer, ClaimError> {
        #[expect(
            clippy::expect_used,
            reason = "every member of Claim is a text, number or map"
        )]
        let item = to_item(claim).expect("a claim is an item");
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
            return Ok(Answer::Written);
        };
        let Some(PutItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() else {
            return Err(ClaimError::Unavailable {
                item: claim.job_id.clone(),
                table: self.table.clone(),
                source: Box::new(error),
            });
        };
        let before = refused.item().map(|item| from_item(item.clone())).transpose();
        let before = before.map_err(|source| ClaimError::Unreadable {
            item: claim.job_id.clone(),
            table: self.table.clone(),
            source,
        })?;
        Ok(Answer::Refused(before.map(Box::new)))
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
            input: "s3://uploads/clip.mov".to_owned(),
            profile: None,
            destination: "s3://media/transcoded/42/".to_owned(),
            idempotency_key: None,
            queue: None,
            user_metadata: None,
        };
        Claim::new("k", token, Timestamp::from_millis(30_000), submission)
    }

    async fn take(token: &str, http: &StaticReplayClient) -> Taken {
        let claims = Claims::new(
            dynamodb(http),
            "jobs".to_owned(),
            Retention::from_days(15).unwrap(),
        );
        let now = Timestamp::from_millis(10_000);
        claims.take(&wanted(token), now).await.unwrap()
    }

    /// The SDK repeats a write whose answer was lost, and then the condition finds the first one.
    #[tokio::test]
    async fn a_claim_whose_answer_was_lost_is_ones_own() {
        let own = refused(&item(30_000, None));
        let Taken::New(claim) = take("earlier", &answering([own])).await else {
            panic!("new")
        };
        assert!(claim.is_first());

        let mut over = item(30_000, None);
        over["claimant"] = json!({ "S": "later" });
        over["expiresAt"] = json!({ "N": (10 + 15 * 24 * 60 * 60).to_string() });
        let answers = answering([refused(&item(1, None)), refused(&over)]);
        let Taken::Over(claim) = take("later", &answers).await else {
            panic!("over")
        };
        assert!(!claim.is_first());
        assert_eq!(claim.client_request_token, "earlier");
    }

    #[tokio::test]
    async fn a_claim_lives_as_long_as_a_job_and_an_expired_one_is_none() {
        let http = answering([written()]);
        take("later", &http).await;
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
    }
}

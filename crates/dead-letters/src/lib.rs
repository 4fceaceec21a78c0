//! Messages that no retry can cure, kept with the reason in a queue of their own.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::send_message::SendMessageError;
use aws_sdk_sqs::types::MessageAttributeValue;

/// Why a message is a dead letter.
#[derive(Clone, Copy, Debug)]
pub struct Reason<'a> {
    /// What kind of error it is, in a word.
    pub code: &'a str,
    /// The error for people to read.
    pub message: &'a str,
}

/// A dead-letter queue.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    client: Client,
    queue_url: String,
}

impl DeadLetters {
    /// The queue at `queue_url`.
    #[must_use]
    pub fn new(client: Client, queue_url: String) -> Self {
        Self { client, queue_url }
    }

    /// Keeps the message as it came, with the reason in the attributes that EventBridge gives a dead
    /// letter of its own: `ERROR_CODE` and `ERROR_MESSAGE`; and the id it had in its queue, `MESSAGE_ID`.
    ///
    /// # Errors
    /// The letter is not in the queue.
    pub async fn send(
        &self,
        message_id: &str,
        body: &str,
        reason: Reason<'_>,
    ) -> Result<(), SdkError<SendMessageError>> {
        let letter = self
            .client
            .send_message()
            .queue_url(&self.queue_url)
            .message_body(body)
            .message_attributes("MESSAGE_ID", text(message_id))
            .message_attributes("ERROR_CODE", text(reason.code))
            .message_attributes("ERROR_MESSAGE", text(&one_line(reason.message)))
            .send();
        Box::pin(letter).await.map(drop)
    }
}

fn text(value: &str) -> MessageAttributeValue {
    let mut attribute = MessageAttributeValue::builder();
    attribute = attribute.data_type("String").string_value(value);
    #[expect(clippy::expect_used, reason = "the only required member is set")]
    attribute.build().expect("an attribute with a type")
}

/// What SQS takes for a text, and no more than fits beside the largest body: MediaConvert's own words
/// may hold anything.
fn one_line(message: &str) -> String {
    const MAX_LENGTH: usize = 1000;
    let plain = message.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain
        .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .take(MAX_LENGTH)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_that_sqs_takes() {
        assert_eq!(one_line("a\n\u{0}b\u{ffff}ü"), "a  bü");
        assert_eq!(one_line(&"ü".repeat(2000)).chars().count(), 1000);
    }
}

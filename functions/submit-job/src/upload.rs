//! An object that was uploaded, as S3 tells EventBridge.

use serde::Deserialize;
use serde_json::Value;
use submission::output::Outputs;

/// S3's "Object Created" event, as far as it matters here. Its key is the object's own, not
/// URL-encoded as in S3's older notifications.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>.
#[derive(Debug, Deserialize)]
pub(crate) struct Upload {
    detail: Detail,
}

#[derive(Debug, Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Object {
    key: String,
    /// Tells one upload under a key from the next.
    #[serde(default)]
    sequencer: String,
}

impl Upload {
    /// Whether a message's body is such an event; a request has no such members.
    pub(crate) fn is_event(body: &Value) -> bool {
        body["source"] == "aws.s3" && body["detail-type"] == "Object Created"
    }

    /// The object's URI.
    pub(crate) fn uri(&self) -> String {
        format!("s3://{}/{}", self.detail.bucket.name, self.detail.object.key)
    }

    /// The idempotency key: the same for a second delivery, another for a second upload.
    pub(crate) fn key(&self) -> String {
        let Detail { bucket, object } = &self.detail;
        format!("{}/{}#{}", bucket.name, object.key, object.sequencer)
    }

    /// Whether there is something to transcode: neither the marker a console leaves for a folder, nor
    /// an output, which would be an input again for ever.
    pub(crate) fn is_input(&self, outputs: &Outputs) -> bool {
        let Detail { bucket, object } = &self.detail;
        !object.key.ends_with('/') && !outputs.include(&bucket.name, &object.key)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outputs() -> Outputs {
        Outputs {
            bucket: "media".parse().unwrap(),
            prefix: "transcoded/".parse().unwrap(),
        }
    }

    fn upload(key: &str) -> Upload {
        let event = json!({
            "source": "aws.s3", "detail-type": "Object Created",
            "detail": { "bucket": { "name": "media" }, "object": { "key": key, "sequencer": "00A1" } },
        });
        assert!(Upload::is_event(&event));
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_key_is_taken_as_it_is() {
        for key in ["in/CLIP.MOV", "in/a b+c.mp4", "in/ü%20.mp4"] {
            let upload = upload(key);
            assert_eq!(upload.uri(), format!("s3://media/{key}"));
            assert_eq!(upload.key(), format!("media/{key}#00A1"));
            assert!(upload.is_input(&outputs()));
        }
    }

    #[test]
    fn folders_and_outputs_are_no_inputs() {
        for key in [
            "in/folder/",
            "transcoded/42/clip.mp4",
            "transcoded/42/wait...what.mp4",
            "transcoded//clip.mp4",
            "transcoded/a\u{1}b.mp4",
        ] {
            assert!(!upload(key).is_input(&outputs()), "{key}");
        }
    }
}

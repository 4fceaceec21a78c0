//! A job's outputs on their way into S3: all of them or none.
//!
//! Each file is a multipart upload, and S3 shows nothing of it before it is completed. So a job
//! that is canceled or fails leaves no object behind, without needing a permission to delete,
//! which service roles do not have.

use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use crate::job_error::JobError;

/// S3 allows 10,000 parts of at least 5 MiB.
const PART_SIZE: u64 = 32 * 1024 * 1024;

/// The uploads of one job.
#[derive(Debug, Default)]
pub(crate) struct Publication {
    uploads: Vec<Upload>,
}

#[derive(Debug)]
struct Upload {
    s3: Client,
    bucket: String,
    key: String,
    id: String,
    parts: Vec<CompletedPart>,
}

impl Publication {
    /// Uploads a file, without showing it yet.
    pub(crate) async fn stage(
        &mut self,
        s3: &Client,
        (bucket, key): (&str, &str),
        content_type: &str,
        file: &Path,
    ) -> Result<(), JobError> {
        let create = s3
            .create_multipart_upload()
            .bucket(bucket)
            .key(key)
            .content_type(content_type);
        let created = create
            .send()
            .await
            .map_err(|error| write_error(bucket, key, &error))?;
        self.uploads.push(Upload {
            s3: s3.clone(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            id: created.upload_id.unwrap_or_default(),
            parts: Vec::new(),
        });
        let upload = self.uploads.last_mut().expect("it was just pushed");
        upload.parts(file).await
    }

    /// Shows all files. If that fails for one, those before it are there already: they are removed
    /// if the role may do so.
    pub(crate) async fn complete(self) -> Result<(), JobError> {
        for (index, upload) in self.uploads.iter().enumerate() {
            if let Err(error) = upload.complete().await {
                for shown in &self.uploads[..index] {
                    shown.remove().await;
                }
                for hidden in &self.uploads[index..] {
                    hidden.abort().await;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Discards all files.
    pub(crate) async fn abort(self) {
        for upload in &self.uploads {
            upload.abort().await;
        }
    }
}

impl Upload {
    async fn parts(&mut self, file: &Path) -> Result<(), JobError> {
        let size = tokio::fs::metadata(file).await.map_err(JobError::internal)?.len();
        for (number, offset) in (1..).zip((0..size).step_by(PART_SIZE.try_into().unwrap_or(usize::MAX))) {
            let length = Length::Exact(PART_SIZE.min(size - offset));
            let body = ByteStream::read_from().path(file).offset(offset).length(length);
            let body = body.build().await.map_err(JobError::internal)?;
            let sent = (self.s3.upload_part())
                .bucket(&self.bucket)
                .key(&self.key)
                .upload_id(&self.id)
                .part_number(number)
                .body(body)
                .send()
                .await
                .map_err(|error| write_error(&self.bucket, &self.key, &error))?;
            let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
            self.parts.push(part.build());
        }
        Ok(())
    }

    async fn complete(&self) -> Result<(), JobError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.parts.clone()));
        (self.s3.complete_multipart_upload())
            .bucket(&self.bucket)
            .key(&self.key)
            .upload_id(&self.id)
            .multipart_upload(parts.build())
            .send()
            .await
            .map_err(|error| write_error(&self.bucket, &self.key, &error))?;
        Ok(())
    }

    async fn abort(&self) {
        let abort = self
            .s3
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(&self.key);
        // Nothing of it shows, so the most a failure leaves is what a lifecycle rule clears away.
        if let Err(error) = abort.upload_id(&self.id).send().await {
            let error = DisplayErrorContext(&error);
            tracing::debug!(bucket = self.bucket, key = self.key, %error, "upload not aborted");
        }
    }

    async fn remove(&self) {
        let delete = self.s3.delete_object().bucket(&self.bucket).key(&self.key);
        if let Err(error) = delete.send().await {
            let error = DisplayErrorContext(&error);
            tracing::warn!(bucket = self.bucket, key = self.key, %error, "output not removed");
        }
    }
}

fn write_error<E>(bucket: &str, key: &str, error: &SdkError<E>) -> JobError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let uri = format!("s3://{bucket}/{key}");
    match error.raw_response().map(|answer| answer.status().as_u16()) {
        Some(403) => JobError::OutputDenied { uri },
        Some(404) => JobError::OutputBucketNotFound { uri },
        _ => JobError::Transcode {
            reason: format!("{uri} cannot be written: {}", DisplayErrorContext(error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::http::HttpResponse;
    use aws_sdk_s3::operation::abort_multipart_upload::AbortMultipartUploadOutput;
    use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput;
    use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadOutput;
    use aws_sdk_s3::operation::delete_object::DeleteObjectOutput;
    use aws_sdk_s3::operation::upload_part::UploadPartOutput;
    use aws_sdk_s3::primitives::SdkBody;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::*;

    /// S3, which takes everything but the completion of objects called `refused`.
    struct Bucket {
        create: Rule,
        part: Rule,
        complete: Rule,
        refuse: Rule,
        abort: Rule,
        delete: Rule,
    }

    impl Bucket {
        fn new() -> Self {
            let refused = || {
                let body = SdkBody::from("<Error><Code>AccessDenied</Code></Error>");
                HttpResponse::new(403.try_into().unwrap(), body)
            };
            Self {
                create: mock!(Client::create_multipart_upload)
                    .then_output(|| CreateMultipartUploadOutput::builder().upload_id("id").build()),
                part: mock!(Client::upload_part)
                    .then_output(|| UploadPartOutput::builder().e_tag("tag").build()),
                complete: mock!(Client::complete_multipart_upload)
                    .match_requests(|request| request.key() != Some("refused"))
                    .then_output(|| CompleteMultipartUploadOutput::builder().build()),
                refuse: mock!(Client::complete_multipart_upload)
                    .match_requests(|request| request.key() == Some("refused"))
                    .then_http_response(refused),
                abort: mock!(Client::abort_multipart_upload)
                    .then_output(|| AbortMultipartUploadOutput::builder().build()),
                delete: mock!(Client::delete_object)
                    .match_requests(|request| request.key() == Some("first"))
                    .then_output(|| DeleteObjectOutput::builder().build()),
            }
        }

        async fn stage(&self, keys: &[&str]) -> Publication {
            let Self {
                create,
                part,
                complete,
                refuse,
                abort,
                delete,
            } = self;
            let s3 = mock_client!(
                aws_sdk_s3,
                RuleMode::MatchAny,
                [create, part, complete, refuse, abort, delete]
            );
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), "media").unwrap();
            let mut publication = Publication::default();
            for key in keys {
                let staged = publication.stage(&s3, ("bucket", key), "video/mp4", file.path());
                staged.await.unwrap();
            }
            publication
        }
    }

    #[tokio::test]
    async fn nothing_shows_before_all_is_there() {
        let bucket = Bucket::new();
        let publication = bucket.stage(&["first", "second"]).await;
        assert_eq!((bucket.part.num_calls(), bucket.complete.num_calls()), (2, 0));

        publication.complete().await.unwrap();
        assert_eq!((bucket.complete.num_calls(), bucket.abort.num_calls()), (2, 0));
    }

    #[tokio::test]
    async fn a_job_that_stops_leaves_nothing() {
        let bucket = Bucket::new();
        bucket.stage(&["first", "second"]).await.abort().await;

        assert_eq!((bucket.complete.num_calls(), bucket.abort.num_calls()), (0, 2));
    }

    #[tokio::test]
    async fn if_one_file_cannot_be_shown_the_others_are_not() {
        let bucket = Bucket::new();
        let publication = bucket.stage(&["first", "refused", "third"]).await;
        let error = publication.complete().await.unwrap_err();

        assert!(
            matches!(&error, JobError::OutputDenied { uri } if uri == "s3://bucket/refused"),
            "{error}"
        );
        assert_eq!((bucket.complete.num_calls(), bucket.delete.num_calls()), (1, 1));
        assert_eq!(bucket.abort.num_calls(), 2);
    }
}

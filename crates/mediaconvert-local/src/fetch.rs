//! Gets the input onto this machine, from S3 or from a web server.

use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use reqwest::header::LOCATION;
use reqwest::{Method, Response, StatusCode, redirect};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::job_error::JobError;
use crate::settings::InputUri;

/// Reads files from web servers, by MediaConvert's rules ([HTTP input requirements]).
///
/// [HTTP input requirements]: https://docs.aws.amazon.com/mediaconvert/latest/ug/http-input-requirements.html
#[derive(Debug, Clone)]
pub(crate) struct WebClient(reqwest::Client);

impl WebClient {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_mins(1))
            .build()?;
        Ok(Self(client))
    }
}

/// What tells this version of an input in S3 from others; nothing of one on a web server.
pub(crate) async fn etag(uri: &InputUri, s3: &aws_sdk_s3::Client) -> Result<Option<String>, JobError> {
    let InputUri::S3 { bucket, key } = uri else {
        return Ok(None);
    };
    let head = s3.head_object().bucket(bucket).key(key).send().await;
    let head = head.map_err(|error| s3_error(&uri.to_string(), &error))?;
    Ok(head.e_tag)
}

/// Writes the input to `file`.
pub(crate) async fn fetch(
    uri: &InputUri,
    s3: &aws_sdk_s3::Client,
    web: &WebClient,
    file: &Path,
) -> Result<(), JobError> {
    match uri {
        InputUri::S3 { bucket, key } => from_s3(s3, bucket, key, file).await,
        InputUri::Http(url) => from_web(web, url, file).await,
    }
}

async fn from_s3(s3: &aws_sdk_s3::Client, bucket: &str, key: &str, file: &Path) -> Result<(), JobError> {
    let uri = format!("s3://{bucket}/{key}");
    let head = s3.head_object().bucket(bucket).key(key).send().await;
    head.map_err(|error| s3_error(&uri, &error))?;
    let object = s3.get_object().bucket(bucket).key(key).send().await;
    let object = object.map_err(|error| s3_error(&uri, &error))?;
    let unreadable = |error: std::io::Error| JobError::InputUnreadable {
        uri: uri.clone(),
        reason: error.to_string(),
    };
    let mut file = File::create(file).await.map_err(JobError::internal)?;
    let mut body = object.body.into_async_read();
    tokio::io::copy(&mut body, &mut file).await.map_err(unreadable)?;
    file.flush().await.map_err(JobError::internal)
}

fn s3_error<E>(uri: &str, error: &SdkError<E>) -> JobError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let uri = uri.to_owned();
    // The answer to HEAD has no body and hence no error code.
    match error.raw_response().map(|answer| answer.status().as_u16()) {
        Some(403) => JobError::InputDenied { uri },
        Some(404) => JobError::InputNotFound { uri },
        _ => JobError::InputUnreadable {
            uri,
            reason: DisplayErrorContext(error).to_string(),
        },
    }
}

async fn from_web(web: &WebClient, url: &Url, file: &Path) -> Result<(), JobError> {
    if url.query().is_some() {
        return Err(http_error(url, 3999, "URLs with parameters are not supported"));
    }
    let url_of_file = locate(web, url).await?;
    let answer = send(web, Method::GET, &url_of_file).await;
    let mut answer = check(url, answer)?;
    let mut file = File::create(file).await.map_err(JobError::internal)?;
    loop {
        let chunk = answer.chunk().await;
        let chunk = chunk.map_err(|error| http_error(url, 3450, &error.without_url().to_string()))?;
        let Some(chunk) = chunk else {
            break;
        };
        file.write_all(&chunk).await.map_err(JobError::internal)?;
    }
    file.flush().await.map_err(JobError::internal)
}

/// Asks by HEAD for the file, and once more where a redirect points.
async fn locate(web: &WebClient, url: &Url) -> Result<Url, JobError> {
    let answer = send(web, Method::HEAD, url).await;
    let Some(location) = answer.as_ref().ok().and_then(redirect) else {
        check(url, answer)?;
        return Ok(url.clone());
    };
    let target = (url.join(&location).ok())
        .filter(|target| matches!(target.scheme(), "http" | "https"))
        .ok_or_else(|| http_error(url, 3999, &format!("redirected to {location:?}")))?;
    let answer = send(web, Method::HEAD, &target).await;
    if answer.as_ref().is_ok_and(|answer| redirect(answer).is_some()) {
        return Err(http_error(url, 3999, "redirected more than once"));
    }
    check(url, answer)?;
    Ok(target)
}

/// Where a 301 or 302 points; MediaConvert follows no other redirects.
fn redirect(answer: &Response) -> Option<String> {
    let followed = matches!(answer.status(), StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND);
    let location = answer.headers().get(LOCATION).filter(|_| followed)?;
    location.to_str().ok().map(str::to_owned)
}

async fn send(web: &WebClient, method: Method, url: &Url) -> Result<Response, reqwest::Error> {
    web.0.request(method, url.clone()).send().await
}

fn check(url: &Url, answer: Result<Response, reqwest::Error>) -> Result<Response, JobError> {
    let answer = answer.map_err(|error| {
        let reason = format!("no connection: {:#}", anyhow::Error::from(error.without_url()));
        http_error(url, 3451, &reason)
    })?;
    let code = match answer.status() {
        status if status.is_success() => return Ok(answer),
        StatusCode::UNAUTHORIZED => 3401,
        StatusCode::FORBIDDEN => 3403,
        StatusCode::NOT_FOUND => 3404,
        status if status.is_server_error() => 3450,
        _ => 3999,
    };
    Err(http_error(url, code, &format!("HTTP {}", answer.status())))
}

fn http_error(url: &Url, code: u32, reason: &str) -> JobError {
    JobError::Http {
        uri: url.to_string(),
        code,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode as Status;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    async fn server() -> String {
        let found = |location: &'static str| move || async move { (Status::FOUND, [("location", location)]) };
        let routes = Router::new()
            .route("/clip.mp4", get(|| async { "media" }))
            .route("/private.mp4", get(|| async { Status::FORBIDDEN }))
            .route("/broken.mp4", get(|| async { Status::BAD_GATEWAY }))
            .route("/once.mp4", get(found("/clip.mp4")))
            .route("/twice.mp4", get(found("/once.mp4")))
            .route("/away.mp4", get(found("file:///etc/passwd")))
            .route(
                "/other.mp4",
                get(|| async { (Status::TEMPORARY_REDIRECT, [("location", "/clip.mp4")]) }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, routes).await });
        format!("http://{address}")
    }

    async fn get_file(url: &str) -> Result<String, u32> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("input");
        let web = WebClient::new().unwrap();
        match from_web(&web, &url.parse().unwrap(), &file).await {
            Ok(()) => Ok(std::fs::read_to_string(file).unwrap()),
            Err(error) => Err(error.code()),
        }
    }

    #[tokio::test]
    async fn files_are_read_through_at_most_one_redirect() {
        let server = server().await;
        assert_eq!(
            get_file(&format!("{server}/clip.mp4")).await.as_deref(),
            Ok("media")
        );
        assert_eq!(
            get_file(&format!("{server}/once.mp4")).await.as_deref(),
            Ok("media")
        );
    }

    #[tokio::test]
    async fn what_cannot_be_read_has_its_own_code() {
        let server = server().await;
        let nobody = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        for (url, code) in [
            (format!("{server}/missing.mp4"), 3404),
            (format!("{server}/private.mp4"), 3403),
            (format!("{server}/broken.mp4"), 3450),
            (format!("{server}/twice.mp4"), 3999),
            (format!("{server}/other.mp4"), 3999),
            (format!("{server}/away.mp4"), 3999),
            (format!("{server}/clip.mp4?signature=1"), 3999),
            (format!("http://{nobody}/clip.mp4"), 3451),
        ] {
            assert_eq!(get_file(&url).await, Err(code), "{url}");
        }
    }
}

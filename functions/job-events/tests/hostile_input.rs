//! Input that no honest sender sends: each gets its exact answer, never a 5xx, and nothing is written.

mod mocked;

use mocked::{COMPLETE, KEY, answer, base64_request, function, invoke, request, update_succeeds};
use serde_json::{Value, json};

/// `levels` arrays, one inside the other.
fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

fn event(detail: &str) -> String {
    format!(r#"{{"detail": {{"jobId": "1-a", "status": "COMPLETE", {detail}}}}}"#)
}

fn invalid_event(message: &str) -> (i64, String) {
    let message = Value::from(message);
    (400, format!(r#"{{"error":"invalid_event","message":{message}}}"#))
}

fn refused(status: i64, error: &str) -> (i64, String) {
    (status, format!(r#"{{"error":"{error}"}}"#))
}

#[tokio::test]
async fn a_body_that_strains_the_parser_is_an_invalid_event() {
    let update = update_succeeds();
    let function = function(&update);
    let no_timestamp = "detail.timestamp is not a count of milliseconds since 1970";
    let cases = [
        (
            nested(1_000_000 / 2),
            "the event is not JSON: recursion limit exceeded at line 1 column 128",
        ),
        (
            event(&format!(r#""userMetadata": {{"deep": {}}}"#, nested(10_000))),
            "the event is not JSON: recursion limit exceeded at line 1 column 200",
        ),
        (
            event(r#""errorCode": 1e999"#),
            "the event is not JSON: number out of range at line 1 column 68",
        ),
        (
            event(&format!(r#""timestamp": {}"#, "9".repeat(300))),
            no_timestamp,
        ),
        (event(r#""timestamp": 1e300"#), no_timestamp),
        (event(r#""timestamp": -1"#), no_timestamp),
        (event(r#""timestamp": 1700000000000.5"#), no_timestamp),
        (event(r#""timestamp": 18446744073709551615"#), no_timestamp),
        (event(r#""timestamp": 253402300800000"#), no_timestamp),
        (
            event(r#""queue": "\ud800""#),
            "the event is not JSON: unexpected end of hex escape at line 1 column 67",
        ),
        (
            event("\"queue\": \"\0\""),
            "the event is not JSON: control character (\\u0000-\\u001F) found while parsing a string \
             at line 1 column 61",
        ),
        (
            event(r#""queue": 1"#) + COMPLETE,
            "the event is not JSON: trailing characters at line 1 column 63",
        ),
        (
            "\u{feff}".to_owned() + COMPLETE,
            "the event is not JSON: expected value at line 1 column 1",
        ),
        // Of a repeated key the last one counts, as in JavaScript.
        (
            event(r#""jobId": 7"#),
            "detail.jobId is not a text of at least one character",
        ),
        (
            r#"{"source": "aws.mediaconvert", "source": "aws.s3", "detail": {}}"#.to_owned(),
            r#"source is not "aws.mediaconvert""#,
        ),
        // An HTTP request inside an HTTP request.
        (
            request("POST", Some(KEY), COMPLETE).to_string(),
            "detail is missing",
        ),
    ];
    for (body, message) in cases {
        let plain = answer(&function, request("POST", Some(KEY), &body)).await;
        assert_eq!(plain, invalid_event(message), "{body:.200}");
        let encoded = answer(&function, base64_request(&body)).await;
        assert_eq!(encoded, invalid_event(message), "{body:.200}");
    }
    assert_eq!(update.num_calls(), 0);
}

#[tokio::test]
async fn a_body_that_is_not_text_is_an_invalid_event() {
    let update = update_succeeds();
    let function = function(&update);
    let not_unicode = "the event is not JSON: invalid unicode code point at line 1 column";
    let latin_1: Vec<u8> = COMPLETE
        .replacen("mediaconvert", "m\u{e9}dia", 1)
        .chars()
        .map(|c| c as u8)
        .collect();
    let cases: [(&[u8], &str); 4] = [
        (
            b"\xff\xfe{\0}\0",
            "the event is not JSON: expected value at line 1 column 1",
        ),
        (b"{\"source\": \"\xc3\x28\"}", &format!("{not_unicode} 13")),
        (b"{\"\xed\xa0\x80\": 1}", &format!("{not_unicode} 3")),
        (
            &latin_1,
            "the event is not JSON: invalid unicode code point at line 5 column 19",
        ),
    ];
    for (body, message) in cases {
        let answer = answer(&function, base64_request(body)).await;
        assert_eq!(answer, invalid_event(message), "{}", body.escape_ascii());
    }
    let empty = invalid_event("the event is not JSON: EOF while parsing a value at line 1 column 0");
    for body in [json!(null), json!(7), json!({"detail": {}}), json!([COMPLETE])] {
        let mut request = request("POST", Some(KEY), "");
        request["body"] = body;
        assert_eq!(answer(&function, request).await, empty);
    }
    assert_eq!(update.num_calls(), 0);
}

#[tokio::test]
async fn six_megabytes_are_too_large_whoever_sends_them() {
    let update = update_succeeds();
    let function = function(&update);
    let most = 6 * 1024 * 1024; // what Lambda takes at all
    let padded = COMPLETE.to_owned() + &" ".repeat(most - COMPLETE.len());
    for key in [None, Some("wrong"), Some(KEY)] {
        let too_large = refused(413, "payload_too_large");
        assert_eq!(answer(&function, request("POST", key, &padded)).await, too_large);
        assert_eq!(
            answer(&function, request("POST", key, &nested(most / 2))).await,
            too_large
        );
    }
    let encoded = base64_request(&padded[..most / 4 * 3]);
    assert_eq!(
        answer(&function, encoded).await,
        refused(413, "payload_too_large")
    );

    // A body that can't be decoded has no length to refuse, so the key is checked first.
    let mut broken = request("POST", None, &"%".repeat(most));
    broken["isBase64Encoded"] = json!(true);
    assert_eq!(
        answer(&function, broken.clone()).await,
        refused(401, "unauthorized")
    );
    broken["headers"] = json!({"x-api-key": KEY});
    assert_eq!(
        answer(&function, broken).await,
        invalid_event("the body is not base64")
    );
    assert_eq!(update.num_calls(), 0);
}

#[tokio::test]
async fn no_headers_open_the_door_but_the_right_one() {
    let update = update_succeeds();
    let function = function(&update);
    let flood: Value = (0..100_000).map(|n| (format!("x-{n}"), json!(KEY))).collect();
    let cases = [
        flood,
        json!(null),
        json!([["x-api-key", KEY]]),
        json!({"x-api-key": null}),
        json!({"x-api-key": [KEY]}),
        json!({"x-api-key": {"value": KEY}}),
        json!({"x-api-key": "wrong", "authorization": KEY}),
        json!({"x-api-key ": KEY, "bad name\r\n": "bad value\r\n"}),
        json!({"x-api-key": format!("{KEY},{KEY}")}), // how Lambda joins a repeated header
        json!({"x-api-key": format!("{KEY}\0")}),
        json!({"x-api-key": KEY.to_uppercase()}),
        json!({"x-api-key": KEY.repeat(100_000)}),
    ];
    for headers in cases {
        let mut request = request("POST", None, COMPLETE);
        request["headers"] = headers;
        let answer = answer(&function, request.clone()).await;
        assert_eq!(
            answer,
            refused(401, "unauthorized"),
            "{:.200}",
            request.to_string()
        );
    }
    assert_eq!(update.num_calls(), 0);
}

#[tokio::test]
async fn members_that_do_not_matter_cause_no_refusal() {
    let update = update_succeeds();
    let mut odd = request("POST", Some(KEY), COMPLETE);
    odd["version"] = json!(1.0);
    odd["rawPath"] = json!("/%zz/../\u{0}");
    odd["rawQueryString"] = json!("%%%&=&\u{202e}");
    odd["queryStringParameters"] = json!({"a": null, "b": 7});
    odd["cookies"] = json!({});
    odd["requestContext"]["timeEpoch"] = json!("soon");
    odd["requestContext"]["authorizer"] = json!(7);
    odd["headers"]["bad name\r\n"] = json!(["bad value\r\n"]);
    let (status, body) = answer(&function(&update), odd).await;
    assert_eq!((status, update.num_calls()), (200, 1), "{body}");
}

#[tokio::test]
async fn a_payload_with_a_request_context_counts_as_a_request() {
    let update = update_succeeds();
    let function = function(&update);
    for context in [
        json!(null),
        json!({}),
        json!([]),
        json!("POST"),
        json!({"http": {"method": null}}),
    ] {
        let mut event: Value = serde_json::from_str(COMPLETE).unwrap();
        event["requestContext"] = context;
        event["headers"] = json!({"x-api-key": KEY});
        let reply = answer(&function, event.clone()).await;
        assert_eq!(reply, refused(405, "method_not_allowed"), "{event}");
    }
    let mut event: Value = serde_json::from_str(COMPLETE).unwrap();
    event["requestContext"] = json!({"http": {"method": "POST"}});
    assert_eq!(answer(&function, event).await, refused(401, "unauthorized"));
    assert_eq!(update.num_calls(), 0);
}

#[tokio::test]
async fn a_direct_invocation_with_anything_but_an_event_is_an_invalid_event() {
    let update = update_succeeds();
    let function = function(&update);
    let mut without_context = request("POST", Some(KEY), COMPLETE);
    without_context.as_object_mut().unwrap().remove("requestContext");
    let no_object = "the event is not a JSON object";
    let cases = [
        (without_context, "detail is missing"),
        (json!(null), no_object),
        (json!(COMPLETE), no_object),
        (json!([]), no_object),
        (json!({"detail": []}), "detail is not an object"),
        (json!({"Records": [{"body": COMPLETE}]}), "detail is missing"),
    ];
    for (payload, message) in cases {
        let error = invoke(&function, payload.clone()).await.unwrap_err();
        let told = (&*error.error_type, &*error.error_message);
        assert_eq!(told, ("invalid_event", message), "{payload}");
    }
    assert_eq!(update.num_calls(), 0);
}

//! A rotation, whole, repeated and broken off at every call: the key that EventBridge sends always opens
//! the webhook.

mod aws;

use std::time::Duration;

use aws::{Aws, Break, NEW_KEY, OLD_KEY, STEPS, TOKEN, Version, between, invoke};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_rotation_makes_the_new_key_current_and_the_old_one_previous() {
    let aws = Aws::at_the_start_of_a_rotation();
    aws.rotate().await.unwrap();
    assert_eq!(aws.key("AWSCURRENT").as_deref(), Some(NEW_KEY));
    assert_eq!(aws.key("AWSPREVIOUS").as_deref(), Some(OLD_KEY));
    assert_eq!(aws.sent(), [NEW_KEY]);
    let value = aws.look(|state| state.versions[TOKEN].value.clone().unwrap());
    let value: serde_json::Value = serde_json::from_str(&value).unwrap();
    assert_eq!(value, json!({"apiKey": NEW_KEY, "owner": "video"}));
}

#[tokio::test(start_paused = true)]
async fn eventbridge_sends_the_key_when_everybody_had_a_minute_to_learn_it() {
    let aws = Aws::at_the_start_of_a_rotation();
    aws.rotate().await.unwrap();
    let learning = between(&aws, "PutSecretValue", "UpdateConnection");
    assert!(learning > api_keys::PAUSE_AFTER_MISMATCH, "{learning:?}");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_comes_again_changes_nothing() {
    let aws = Aws::at_the_start_of_a_rotation();
    for step in STEPS {
        aws.step(step).await.unwrap();
        let before = aws.look(|state| (format!("{:?}", state.versions), state.sent.clone()));
        aws.step(step).await.unwrap();
        let after = aws.look(|state| (format!("{:?}", state.versions), state.sent.clone()));
        assert_eq!(after, before, "{step}");
    }
    // All of them, as Secrets Manager repeats a rotation whose last answer it didn't get.
    let so_far = aws.calls().len();
    aws.rotate().await.unwrap();
    assert_eq!(aws.calls()[so_far..], ["DescribeSecret"; 4]);
}

#[tokio::test(start_paused = true)]
async fn whichever_call_fails_the_key_that_is_sent_opens_and_the_next_try_ends_it() {
    let whole = Aws::at_the_start_of_a_rotation();
    whole.rotate().await.unwrap();
    let calls = whole.calls();
    assert!(calls.len() > 12, "{calls:?}");
    for (number, call) in calls.iter().enumerate() {
        for how in [Break::Before, Break::After] {
            let aws = Aws::at_the_start_of_a_rotation().with(|state| state.broken = Some((number, how)));
            let failed = aws.rotate().await;
            // The webhook is asked again at once; every other call fails its step.
            assert_eq!(failed.is_err(), call != "webhook", "{call} {number} {how:?}");
            assert!(aws.sends_a_key_that_opens(), "{call} {number} {how:?}");
            if let Err(error) = failed {
                for key in [OLD_KEY, NEW_KEY] {
                    assert!(!error.error_message.contains(key), "{error:?}");
                }
            }

            aws.rotate().await.unwrap();
            assert_eq!(
                aws.key("AWSCURRENT").as_deref(),
                Some(NEW_KEY),
                "{call} {number} {how:?}"
            );
            assert_eq!(aws.sent(), [NEW_KEY], "{call} {number} {how:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_call_fails_a_rotation_that_is_then_cancelled_leaves_a_working_key() {
    let whole = Aws::at_the_start_of_a_rotation();
    whole.rotate().await.unwrap();
    for (number, call) in whole.calls().iter().enumerate() {
        for how in [Break::Before, Break::After] {
            let aws = Aws::at_the_start_of_a_rotation().with(|state| state.broken = Some((number, how)));
            let _ = aws.rotate().await;
            aws.cancel();
            assert!(aws.sends_a_key_that_opens(), "{call} {number} {how:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_at_any_moment_leaves_a_working_key_and_the_next_try_ends_it() {
    let whole = Aws::at_the_start_of_a_rotation();
    whole.rotate().await.unwrap();
    for (number, call) in whole.calls().iter().enumerate() {
        let aws =
            Aws::at_the_start_of_a_rotation().with(|state| state.broken = Some((number, Break::Outage)));
        aws.rotate().await.unwrap_err();
        assert!(aws.sends_a_key_that_opens(), "{call} {number}");
        aws.look(|state| state.broken = None);
        aws.rotate().await.unwrap();
        assert_eq!(aws.key("AWSCURRENT").as_deref(), Some(NEW_KEY), "{call} {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_without_a_key_is_refused_before_anything_changed() {
    for value in ["the bare key", "[]", r#"{"password": "x"}"#, r#"{"apiKey": 1}"#] {
        let aws = Aws::at_the_start_of_a_rotation().with(|state| {
            let current = state.versions.get_mut("old-version").unwrap();
            current.value = Some(value.to_owned());
        });
        let error = aws.step("createSecret").await.unwrap_err();
        assert_eq!(error.error_type, "InvalidSecret");
        assert_eq!(
            error.error_message,
            "the AWSCURRENT version of the secret must be a JSON object whose `apiKey` is a string of visible ASCII characters"
        );
        assert_eq!(
            aws.calls(),
            ["DescribeSecret", "GetSecretValue", "GetSecretValue"],
            "{value}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_not_pending_is_refused_and_a_current_one_is_done() {
    let aws = Aws::at_the_start_of_a_rotation();
    for step in STEPS {
        let error = invoke(&aws.function(), step, "unknown").await.unwrap_err();
        assert_eq!(error.error_type, "InvalidRequest");
        assert_eq!(
            error.error_message,
            r#"ClientRequestToken: "unknown" must be a version of the secret that is staged AWSPENDING, and not AWSPREVIOUS"#
        );
        invoke(&aws.function(), step, "old-version").await.unwrap();
    }
    assert_eq!(aws.sent(), [OLD_KEY]);
}

/// As the runbook says to give it up, while Secrets Manager is about to take the next step.
#[tokio::test(start_paused = true)]
async fn a_rotation_that_is_given_up_between_two_steps_leaves_a_working_key() {
    for done in 1..STEPS.len() {
        let aws = Aws::at_the_start_of_a_rotation();
        for step in &STEPS[..done] {
            aws.step(step).await.unwrap();
        }
        aws.cancel();
        let error = aws.step(STEPS[done]).await.unwrap_err();
        assert_eq!(error.error_type, "InvalidRequest", "{}", STEPS[done]);
        assert_eq!(aws.sent(), [OLD_KEY], "{}", STEPS[done]);
    }
}

/// The label AWSPENDING stays on the version that a rotation made current.
#[tokio::test(start_paused = true)]
async fn a_key_that_was_replaced_by_hand_never_comes_back() {
    let aws = Aws::at_the_start_of_a_rotation();
    aws.rotate().await.unwrap();
    aws.look(|state| {
        let put = Version {
            value: Some(json!({"apiKey": "put-by-hand"}).to_string()),
            stages: Vec::new(),
        };
        state.versions.insert("by-hand".to_owned(), put);
        state.make_current("by-hand", TOKEN);
    });
    for step in STEPS {
        let error = aws.step(step).await.unwrap_err();
        assert_eq!(error.error_type, "InvalidRequest", "{step}");
    }
    assert_eq!(aws.key("AWSCURRENT").as_deref(), Some("put-by-hand"));
}

#[tokio::test(start_paused = true)]
async fn a_version_without_a_value_is_neither_sent_nor_made_current() {
    for step in ["setSecret", "finishSecret"] {
        let aws = Aws::at_the_start_of_a_rotation();
        let error = aws.step(step).await.unwrap_err();
        assert_eq!(error.error_type, "InvalidRequest", "{step}");
        assert_eq!(aws.key("AWSCURRENT").as_deref(), Some(OLD_KEY));
        assert_eq!(aws.sent(), [OLD_KEY]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_waited_for_until_it_is_authorized() {
    let states = vec!["UPDATING", "AUTHORIZING", "AUTHORIZING", "AUTHORIZED"];
    let aws = Aws::at_the_start_of_a_rotation().with(|state| state.connection_states = states);
    aws.rotate().await.unwrap();
    assert_eq!(
        aws.calls()
            .iter()
            .filter(|call| *call == "DescribeConnection")
            .count(),
        // The first connection's, and one more of the second, which is authorized at once.
        5
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_authorized_fails_the_step_and_gets_the_present_key_back() {
    for state in ["DEAUTHORIZED", "FAILED_CONNECTIVITY", "AUTHORIZING"] {
        let aws = Aws::at_the_start_of_a_rotation();
        aws.step("createSecret").await.unwrap();
        // The state the new key leads to; it lasts while the function waits, and ends with the old key.
        let mut states = vec![state; if state == "AUTHORIZING" { 121 } else { 1 }];
        states.push("AUTHORIZED");
        aws.look(|aws| aws.connection_states = states);
        let error = aws.step("setSecret").await.unwrap_err();
        assert_eq!(error.error_type, "NotAuthorized");
        assert_eq!(
            error.error_message,
            format!(
                "connection to-webhook is {state} where it should become AUTHORIZED: as the test wants it"
            )
        );
        assert_eq!(aws.sent(), [OLD_KEY]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_learns_the_key_late_is_asked_again() {
    let aws = Aws::at_the_start_of_a_rotation().with(|state| state.refusals = 30);
    aws.rotate().await.unwrap();
    assert_eq!(aws.key("AWSCURRENT").as_deref(), Some(NEW_KEY));
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_never_takes_the_key_fails_the_step_and_the_present_key_is_sent_again() {
    let aws = Aws::at_the_start_of_a_rotation().with(|state| state.refusals = usize::MAX);
    let started = tokio::time::Instant::now();
    let error = aws.rotate().await.unwrap_err();
    assert_eq!(error.error_type, "NotAccepted");
    assert_eq!(
        error.error_message,
        "the webhook didn't take the new key within 90 s; the last time it answered: 401"
    );
    assert_eq!(aws.sent(), [OLD_KEY]);
    // A step has the template's five minutes.
    assert!(
        started.elapsed() < Duration::from_mins(5),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_schedule_is_tried_with_the_present_key() {
    let aws = Aws::at_the_start_of_a_rotation();
    aws.step("testSecret").await.unwrap();
    let calls = ["DescribeSecret", "GetSecretValue", "GetSecretValue", "webhook"];
    assert_eq!(aws.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_and_a_webhook_the_secret_alone_is_rotated() {
    let aws = Aws::at_the_start_of_a_rotation();
    let function = aws.function_alone();
    for step in STEPS {
        invoke(&function, step, TOKEN).await.unwrap();
    }
    assert_eq!(aws.key("AWSCURRENT").as_deref(), Some(NEW_KEY));
    assert_eq!(aws.sent(), [OLD_KEY]);
}

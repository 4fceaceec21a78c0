//! The requests that are refused, and what their sender reads.

use serde_json::{Value, json};

use super::tests::{INPUT, create_job, create_job_with, rules, settings, with_destination, with_settings};
use crate::hosts::Hosts;

type Refused = Vec<(Value, &'static str)>;

fn input(uri: &str) -> Value {
    json!({ "input": uri })
}

fn and(field: &str, value: Value) -> Value {
    let mut request = input(INPUT);
    request[field] = value;
    request
}

fn settings_with(change: fn(&mut Value)) -> Value {
    with_settings(&settings(change))
}

#[track_caller]
fn assert_refused(requests: Refused) {
    for (request, message) in requests {
        match create_job(request.clone()) {
            Ok(_) => panic!("accepted {request}, expected {message:?}"),
            Err(error) => assert_eq!(error.to_string(), message, "{request}"),
        }
    }
}

#[test]
fn what_is_no_request() {
    assert_refused(vec![
        (json!("s3://uploads/clip.mov"), "request: must be a JSON object"),
        (json!([]), "request: must be a JSON object"),
        (Value::Null, "request: must be a JSON object"),
        (json!({}), "input: is missing; every request names one"),
        (
            json!({ "input": null }),
            "input: is missing; every request names one",
        ),
        (
            and("inputs", json!([])),
            "inputs: \"inputs\" is not a field of a request (idempotencyKey, input, jobTemplate, outputKey, priority, profile, queue, settings, statusUpdateInterval, tags, userMetadata)",
        ),
        (
            json!({ "Input": INPUT }),
            "Input: \"Input\" is not a field of a request (idempotencyKey, input, jobTemplate, outputKey, priority, profile, queue, settings, statusUpdateInterval, tags, userMetadata)",
        ),
    ]);
}

#[test]
fn inputs_that_are_not_allowed() {
    assert_refused(vec![
        (json!({ "input": 5 }), "input: \"5\" must be a string"),
        (json!({ "input": [INPUT] }), "input: a list must be a string"),
        (input(""), "input: \"\" must start with s3:// or https://"),
        (
            input("clip.mov"),
            "input: \"clip.mov\" must start with s3:// or https://",
        ),
        (
            input("ftp://example.com/x"),
            "input: \"ftp://example.com/x\" must start with s3:// or https://",
        ),
        (
            input("S3://uploads/x.mov"),
            "input: \"S3://uploads/x.mov\" must start with s3:// or https://",
        ),
        (
            input(" s3://uploads/x.mov"),
            "input: \" s3://uploads/x.mov\" must start with s3:// or https://",
        ),
        (
            input("file:///etc/passwd"),
            "input: \"file:///etc/passwd\" must start with s3:// or https://",
        ),
        (
            input("s3://other/x.mov"),
            "input: \"s3://other/x.mov\" names bucket \"other\", which is not one of InputBucketNames or the media bucket (media, uploads)",
        ),
        (
            input("s3:///x.mov"),
            "input: \"s3:///x.mov\" names bucket \"\", which is not one of InputBucketNames or the media bucket (media, uploads)",
        ),
        (
            input("s3://uploads"),
            "input: \"s3://uploads\" names no object; s3://bucket/key does",
        ),
        (
            input("s3://uploads/"),
            "input: \"s3://uploads/\" names no object; s3://bucket/key does",
        ),
        (
            input("s3://uploads/folder/"),
            "input: \"s3://uploads/folder/\" names no file",
        ),
        (
            input("s3://uploads/a\nb"),
            "input: \"s3://uploads/a\\nb\" contains a control character",
        ),
    ]);
}

#[test]
fn urls_mediaconvert_could_not_read() {
    assert_refused(vec![
        (
            input("http://example.com/x.mov"),
            "input: \"http://example.com/x.mov\" is plain http, which is taken only where AllowHttpInputs is true; use https or s3",
        ),
        (
            input("https://u:secret@example.com/x.mov"),
            "input: \"https://example.com/x.mov\" has user information; MediaConvert reads public URLs only",
        ),
        (
            input("https://@example.com/x.mov"),
            "input: \"https://example.com/x.mov\" has user information; MediaConvert reads public URLs only",
        ),
        (
            input("https://example.com/x.mov?X-Amz-Signature=secret"),
            "input: \"https://example.com/x.mov\" has a query; MediaConvert can't read URLs with parameters, presigned ones included",
        ),
        (
            input("https://example.com/x.mov?"),
            "input: \"https://example.com/x.mov\" has a query; MediaConvert can't read URLs with parameters, presigned ones included",
        ),
        (
            input("https://example.com/x.mov#t=5"),
            "input: \"https://example.com/x.mov\" has a fragment; percent-encode a # that belongs to the path",
        ),
        (
            input("https://example.com/a b.mov"),
            "input: \"https://example.com/a b.mov\" may hold printable ASCII without spaces and backslashes only; percent-encode the rest",
        ),
        (
            input("https://example.com\\@10.0.0.1/x.mov"),
            "input: \"https://10.0.0.1/x.mov\" may hold printable ASCII without spaces and backslashes only; percent-encode the rest",
        ),
        (input("https://"), "input: \"https://\" is not a URL"),
        (
            input("https://example.com"),
            "input: \"https://example.com\" names no file",
        ),
        (
            input("https://example.com/"),
            "input: \"https://example.com/\" names no file",
        ),
        (
            input("https:///example.com/x"),
            "input: \"https:///example.com/x\" must spell its host example.com",
        ),
        (
            input("https://ex%61mple.com/x"),
            "input: \"https://ex%61mple.com/x\" must spell its host example.com",
        ),
        (
            input("https://134744072/x"),
            "input: \"https://134744072/x\" must spell its host 8.8.8.8",
        ),
    ]);
}

#[test]
fn urls_into_private_networks() {
    assert_refused(vec![
        (
            input("https://169.254.169.254/latest/meta-data"),
            "input: \"https://169.254.169.254/latest/meta-data\" names the address 169.254.169.254, which is not a public one",
        ),
        (
            input("https://2852039166/x"),
            "input: \"https://2852039166/x\" names the address 169.254.169.254, which is not a public one",
        ),
        (
            input("https://0x7f.1/x"),
            "input: \"https://0x7f.1/x\" names the address 127.0.0.1, which is not a public one",
        ),
        (
            input("https://10.1.2.3:8080/x"),
            "input: \"https://10.1.2.3:8080/x\" names the address 10.1.2.3, which is not a public one",
        ),
        (
            input("https://[::ffff:10.0.0.1]/x"),
            "input: \"https://[::ffff:10.0.0.1]/x\" names the address [::ffff:a00:1], which is not a public one",
        ),
        (
            input("https://[fd00:ec2::254]/x"),
            "input: \"https://[fd00:ec2::254]/x\" names the address [fd00:ec2::254], which is not a public one",
        ),
        (
            input("https://localhost/x"),
            "input: \"https://localhost/x\" names host \"localhost\", which is not a public one",
        ),
        (
            input("https://metadata.google.internal/x"),
            "input: \"https://metadata.google.internal/x\" names host \"metadata.google.internal\", which is not a public one",
        ),
        (
            input("https://intranet./x"),
            "input: \"https://intranet./x\" names host \"intranet\", which is not a public one",
        ),
    ]);
}

#[test]
fn more_than_one_source_of_settings_or_an_unknown_one() {
    assert_refused(vec![
        (and("profile", json!(1)), "profile: \"1\" must be a string"),
        (
            and("profile", json!("avi")),
            "profile: \"avi\" is not one of the profiles (audio, dash-hls, hls, hls-abr, mp4, webm)",
        ),
        (
            and("profile", json!("")),
            "profile: \"\" is not one of the profiles (audio, dash-hls, hls, hls-abr, mp4, webm)",
        ),
        (
            and("profile", json!("../mp4")),
            "profile: \"../mp4\" is not one of the profiles (audio, dash-hls, hls, hls-abr, mp4, webm)",
        ),
        (
            json!({ "input": INPUT, "profile": "mp4", "jobTemplate": "t" }),
            "jobTemplate: can't go together with profile; give one of profile, jobTemplate and settings",
        ),
        (
            json!({ "input": INPUT, "profile": "mp4", "settings": {} }),
            "settings: can't go together with profile; give one of profile, jobTemplate and settings",
        ),
        (
            json!({ "input": INPUT, "jobTemplate": "t", "settings": {} }),
            "settings: can't go together with jobTemplate; give one of profile, jobTemplate and settings",
        ),
        (
            and("jobTemplate", json!("")),
            "jobTemplate: \"\" must be the name or the ARN of a job template",
        ),
        (
            and("jobTemplate", json!("a/b")),
            "jobTemplate: \"a/b\" must be the name or the ARN of a job template",
        ),
        (
            and(
                "jobTemplate",
                json!("arn:aws:mediaconvert:eu-west-2:111122223333:presets/p"),
            ),
            "jobTemplate: \"arn:aws:mediaconvert:eu-west-2:111122223333:presets/p\" must be the name or the ARN of a job template",
        ),
    ]);
}

#[test]
fn keys_metadata_and_tags_out_of_bounds() {
    assert_refused(vec![
        (and("outputKey", json!(42)), "outputKey: \"42\" must be a string"),
        (and("outputKey", json!("")), "outputKey: \"\" must not be empty"),
        (
            and("outputKey", json!("/media")),
            "outputKey: \"/media\" must not start with /",
        ),
        (
            and("outputKey", json!("../x")),
            "outputKey: \"../x\" must not contain ..",
        ),
        (
            and("outputKey", json!("a/../b")),
            "outputKey: \"a/../b\" must not contain ..",
        ),
        (
            and("outputKey", json!("a\u{0}b")),
            "outputKey: \"a\\0b\" contains a control character",
        ),
        (
            and("idempotencyKey", json!(1)),
            "idempotencyKey: \"1\" must be a string",
        ),
        (
            and("idempotencyKey", json!("")),
            "idempotencyKey: \"\" must have 1 to 1024 bytes",
        ),
        (
            and("idempotencyKey", json!("a\tb")),
            "idempotencyKey: \"a\\tb\" contains a control character",
        ),
        (
            and("userMetadata", json!("42")),
            "userMetadata: must be an object of strings",
        ),
        (
            and("userMetadata", json!({ "mediaId": 42 })),
            "userMetadata.mediaId: \"42\" must be a string",
        ),
        (
            and("userMetadata", json!({ "a": null })),
            "userMetadata.a: \"null\" must be a string",
        ),
        (
            and("userMetadata", json!({ "": "42" })),
            "userMetadata: \"\" must have a key of 1 to 128 characters",
        ),
        (
            and("userMetadata", json!({ "a": "x".repeat(257) })),
            "userMetadata: \"a\" must have a value of at most 256 characters",
        ),
        (
            and("userMetadata", json!({ "a": "50 %" })),
            "userMetadata.\"a\": holds '%'; it may hold letters, digits, spaces and _ . : / = + - @ only, in key and value",
        ),
        (
            and("userMetadata", json!({ "a\tb": "" })),
            "userMetadata.\"a\\tb\": holds '\\t'; it may hold letters, digits, spaces and _ . : / = + - @ only, in key and value",
        ),
        (
            and(
                "userMetadata",
                (0..11).map(|i| (i.to_string(), json!(""))).collect(),
            ),
            "userMetadata: 11 are more than the 10 a job may have",
        ),
        (and("tags", json!(["a"])), "tags: must be an object of strings"),
        (
            and("tags", json!({ "a": true })),
            "tags.a: \"true\" must be a string",
        ),
        (
            and("tags", json!({ "": "x" })),
            "tags: \"\" must have a key of 1 to 128 characters",
        ),
        (
            and("tags", json!({ "AWS:x": "x" })),
            "tags: \"AWS:x\" must not start with aws:, which is AWS's own",
        ),
        (
            and("tags", json!({ "a": "x".repeat(257) })),
            "tags: \"a\" must have a value of at most 256 characters",
        ),
        (
            and("tags", (0..51).map(|i| (i.to_string(), json!(""))).collect()),
            "tags: 51 are more than the 50 a job may have",
        ),
    ]);
}

#[test]
fn no_credentials_of_a_url_are_shown() {
    let url = "https://user:secret@example.com/x.mov?X-Amz-Signature=secret";
    let refused = vec![
        input(url),
        json!({ "input": [url] }),
        json!({ "input": { "a": url } }),
        and("jobTemplate", json!(url)),
        and("outputKey", json!(format!("/{url}"))),
        and("profile", json!(url)),
        and("queue", json!(url)),
        and("tags", json!({ "aws:a": "", "b": [url] })),
        with_destination(url),
    ];
    for request in refused {
        let error = create_job(request.clone()).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn queues_priorities_and_intervals_out_of_bounds() {
    assert_refused(vec![
        (and("queue", json!({})), "queue: an object must be a string"),
        (
            and("queue", json!("Default")),
            "queue: \"Default\" is not one of this stack's queues, by QueueName and ExtraQueueArns (arn:aws:mediaconvert:eu-west-2:111122223333:queues/Default, arn:aws:mediaconvert:eu-west-2:111122223333:queues/night)",
        ),
        (
            and("priority", json!("5")),
            "priority: \"\\\"5\\\"\" must be a whole number from -50 to 50",
        ),
        (
            and("priority", json!(51)),
            "priority: \"51\" must be a whole number from -50 to 50",
        ),
        (
            and("priority", json!(-51)),
            "priority: \"-51\" must be a whole number from -50 to 50",
        ),
        (
            and("priority", json!(0.5)),
            "priority: \"0.5\" must be a whole number from -50 to 50",
        ),
        (
            and("statusUpdateInterval", json!("SECONDS_11")),
            "statusUpdateInterval: \"SECONDS_11\" is not one of SECONDS_10, SECONDS_12, SECONDS_15, SECONDS_20, SECONDS_30, SECONDS_60, SECONDS_120, SECONDS_180, SECONDS_240, SECONDS_300, SECONDS_360, SECONDS_420, SECONDS_480, SECONDS_540, SECONDS_600",
        ),
        (
            and("statusUpdateInterval", json!(10)),
            "statusUpdateInterval: \"10\" must be a string",
        ),
    ]);
}

#[test]
fn what_is_no_job_settings() {
    assert_refused(vec![
        (
            and("settings", json!("{}")),
            "settings: must be an object of MediaConvert's job settings",
        ),
        (
            and("settings", json!({})),
            "settings.outputGroups: must list at least one output group",
        ),
        (
            and("settings", json!({ "OutputGroups": [] })),
            "settings.outputGroups: must list at least one output group",
        ),
        (
            and("settings", json!({ "Settings": [] })),
            "settings: must be an object of MediaConvert's job settings",
        ),
        (
            settings_with(|settings| settings["OutputGroup"] = json!([])),
            "settings.outputGroup: \"outputGroup\" is not a member of MediaConvert's job settings",
        ),
        (
            settings_with(|settings| *settings = json!({ "Settings": settings, "Presets": [] })),
            "settings.presets: \"presets\" is not a member of a MediaConvert export this function reads",
        ),
        (
            settings_with(|settings| *settings = json!({ "Settings": settings, "Priority": 5 })),
            "settings.priority: \"5\" is not taken from an export; leave it out, or give it in the request where the request has such a field",
        ),
        (
            settings_with(|settings| {
                *settings = json!({ "Settings": settings, "UserMetadata": { "a": "b" } });
            }),
            "settings.userMetadata: \"{\\\"a\\\":\\\"b\\\"}\" is not taken from an export; leave it out, or give it in the request where the request has such a field",
        ),
        (
            settings_with(|settings| settings["outputGroups"] = json!([])),
            "settings.outputGroups: appears twice, in upper and in lower case",
        ),
        (
            settings_with(|settings| settings["Inputs"] = json!({})),
            "settings.inputs: must be a list of inputs",
        ),
    ]);
}

#[test]
fn settings_that_read_what_they_may_not() {
    assert_refused(vec![
        (
            settings_with(|settings| settings["Inputs"][0]["FileInput"] = "s3://uploads/other.mov".into()),
            "settings.inputs[0].fileInput: \"s3://uploads/other.mov\" must be absent or the request's input (\"s3://uploads/clip.mov\")",
        ),
        (
            settings_with(|settings| settings["Inputs"] = json!([{}, { "FileInput": "s3://other/x.mov" }])),
            "settings.inputs[1].fileInput: \"s3://other/x.mov\" names bucket \"other\", which is not one of InputBucketNames or the media bucket (media, uploads)",
        ),
        (
            settings_with(|settings| {
                settings["Inputs"][0]["AudioSelectors"]["a.b"]["ExternalAudioFileInput"] =
                    "http://example.com/x.wav".into();
            }),
            "settings.inputs[0].audioSelectors.a.b.externalAudioFileInput: \"http://example.com/x.wav\" is plain http, which is taken only where AllowHttpInputs is true; use https or s3",
        ),
        (
            settings_with(|settings| {
                settings["Inputs"][0]["CaptionSelectors"]["c"]["SourceSettings"]["FileSourceSettings"]["SourceFile"] =
                    "https://example.com/c.srt?sig=secret".into();
            }),
            "settings.inputs[0].captionSelectors.c.sourceSettings.fileSourceSettings.sourceFile: \"https://example.com/c.srt\" has a query; MediaConvert can't read URLs with parameters, presigned ones included",
        ),
        (
            settings_with(|settings| {
                settings["Inputs"][0]["ImageInserter"]["InsertableImages"] =
                    json!([{ "ImageInserterInput": "s3://other/logo.png" }]);
            }),
            "settings.inputs[0].imageInserter.insertableImages[0].imageInserterInput: \"s3://other/logo.png\" names bucket \"other\", which is not one of InputBucketNames or the media bucket (media, uploads)",
        ),
        (
            settings_with(|settings| settings["Inputs"][0]["SupplementalImps"] = json!(["s3://other/ov/"])),
            "settings.inputs[0].supplementalImps[0]: \"s3://other/ov/\" names bucket \"other\", which is not one of InputBucketNames or the media bucket (media, uploads)",
        ),
        (
            settings_with(|settings| {
                settings["OutputGroups"][0]["OutputGroupSettings"] = json!({
                    "Type": "HLS_GROUP_SETTINGS",
                    "HlsGroupSettings": { "Encryption": { "SpekeKeyProvider": { "Url": "https://10.0.0.1/keys" } } },
                });
            }),
            "settings.outputGroups[0].outputGroupSettings.hlsGroupSettings.encryption.spekeKeyProvider.url: \"https://10.0.0.1/keys\" names the address 10.0.0.1, which is not a public one",
        ),
        (
            settings_with(|settings| settings["MotionImageInserter"] = json!({ "Input": "logo.mov" })),
            "settings.motionImageInserter.input: \"logo.mov\" must start with s3:// or https://",
        ),
        (
            settings_with(|settings| settings["Inputs"][0]["SomethingNew"] = json!(["\u{1}S3://other/x"])),
            "settings.inputs[0].somethingNew[0]: \"\\u{1}S3://other/x\" contains a control character",
        ),
        (
            settings_with(|settings| settings["Inputs"][0]["SomethingNew"] = " https://10.0.0.1/x".into()),
            "settings.inputs[0].somethingNew: \" https://10.0.0.1/x\" must start with s3:// or https://",
        ),
    ]);
}

#[test]
fn settings_that_write_or_hop_where_they_may_not() {
    assert_refused(vec![
        (
            settings_with(|settings| {
                settings["KantarWatermark"] = json!({ "LogDestination": "s3://media/logs/" });
            }),
            "settings.kantarWatermark.logDestination: \"s3://media/logs/\" must lie under s3://media/transcoded/, by MediaBucketName and OutputPrefix",
        ),
        (
            settings_with(|settings| settings["OutputGroups"][0] = json!({})),
            "settings.outputGroups[0].outputGroupSettings: must name the group's type, such as FILE_GROUP_SETTINGS",
        ),
        (
            settings_with(|settings| settings["OutputGroups"][0] = json!("FILE_GROUP_SETTINGS")),
            "settings.outputGroups[0].outputGroupSettings: must name the group's type, such as FILE_GROUP_SETTINGS",
        ),
        (
            settings_with(|settings| {
                settings["OutputGroups"][0]["OutputGroupSettings"]["FileGroupSettings"] = json!([]);
            }),
            "settings.outputGroups[0].outputGroupSettings.fileGroupSettings: must be an object",
        ),
        (
            settings_with(|settings| {
                settings["OutputGroups"][0]["OutputGroupSettings"]["FileGroupSettings"]["Destination"] =
                    json!(5);
            }),
            "settings.outputGroups[0].outputGroupSettings.fileGroupSettings.destination: 5 must be a string",
        ),
        (
            settings_with(|settings| {
                settings["OutputGroups"][0]["OutputGroupSettings"]["HlsGroupSettings"]["Destination"] =
                    "s3://other/".into();
            }),
            "settings.outputGroups[0].outputGroupSettings.hlsGroupSettings.destination: \"s3://other/\" must lie under s3://media/transcoded/, by MediaBucketName and OutputPrefix",
        ),
        (
            with_destination("s3://other/x"),
            "settings.outputGroups[0].outputGroupSettings.fileGroupSettings.destination: \"s3://other/x\" must lie under s3://media/transcoded/, by MediaBucketName and OutputPrefix",
        ),
        (
            with_destination("s3://media/transcoded"),
            "settings.outputGroups[0].outputGroupSettings.fileGroupSettings.destination: \"s3://media/transcoded\" must lie under s3://media/transcoded/, by MediaBucketName and OutputPrefix",
        ),
        (
            with_destination("s3://media/transcoded/../x"),
            "settings.outputGroups[0].outputGroupSettings.fileGroupSettings.destination: \"../x\" must not contain ..",
        ),
        (
            with_destination("/x"),
            "settings.outputGroups[0].outputGroupSettings.fileGroupSettings.destination: \"/x\" must not start with /",
        ),
        (
            with_destination("https://example.com/"),
            "settings.outputGroups[0].outputGroupSettings.fileGroupSettings.destination: \"https://example.com/\" must lie under s3://media/transcoded/, by MediaBucketName and OutputPrefix",
        ),
        (
            settings_with(|settings| *settings = json!({ "Settings": settings, "HopDestinations": {} })),
            "settings.hopDestinations: must be a list",
        ),
        (
            settings_with(|settings| {
                *settings = json!({ "Settings": settings, "HopDestinations": [{ "WaitMinutes": 5 }] });
            }),
            "settings.hopDestinations[0].queue: \"\" is not one of this stack's queues, by QueueName and ExtraQueueArns (arn:aws:mediaconvert:eu-west-2:111122223333:queues/Default, arn:aws:mediaconvert:eu-west-2:111122223333:queues/night)",
        ),
    ]);
}

#[test]
fn what_is_too_long_is_refused_and_shown_cut() {
    for (field, value, message) in [
        (
            "input",
            format!("s3://uploads/{}", "x".repeat(2048)),
            "(cut) is longer than 2048 bytes",
        ),
        ("outputKey", "x".repeat(513), "(cut) is longer than 512 bytes"),
        (
            "idempotencyKey",
            "é".repeat(513),
            "(cut) must have 1 to 1024 bytes",
        ),
    ] {
        let mut request = json!({ "input": INPUT });
        request[field] = value.into();
        let error = create_job(request).unwrap_err().to_string();
        assert!(
            error.starts_with(field) && error.ends_with(message) && error.len() < 600,
            "{error}"
        );
    }
}

#[test]
fn hosts_are_taken_from_the_list_alone() {
    let mut rules = rules();
    rules.inputs.hosts = "cdn.example.com".parse().unwrap();
    for (hosts, uri, message) in [
        (
            Hosts::None,
            "https://example.com/x",
            "input: \"https://example.com/x\" names host \"example.com\", but InputHosts is empty",
        ),
        (
            "cdn.example.com,b.example".parse().unwrap(),
            "https://evil-cdn.example.com/x",
            "input: \"https://evil-cdn.example.com/x\" names host \"evil-cdn.example.com\", which is not one of InputHosts (cdn.example.com, b.example)",
        ),
        (
            "127.0.0.1".parse().unwrap(),
            "https://127.0.0.1/x",
            "input: \"https://127.0.0.1/x\" names the address 127.0.0.1, which is not a public one",
        ),
    ] {
        rules.inputs.hosts = hosts;
        let error = create_job_with(&rules, json!({ "input": uri })).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

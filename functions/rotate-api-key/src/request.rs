//! What Secrets Manager asks for.

use std::fmt;

use serde_json::Value;

use crate::error::RotationError;

/// One step of a rotation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) step: Step,
    /// The version that is to become current.
    pub(crate) token: String,
}

/// The four steps, in the order they come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Create,
    Set,
    Test,
    Finish,
}

impl Step {
    const ALL: [Self; 4] = [Self::Create, Self::Set, Self::Test, Self::Finish];

    /// As Secrets Manager writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Request {
    /// Reads the payload of an invocation; members it doesn't know are left to Secrets Manager's future.
    /// The function may rotate no secret but `secret`.
    pub(crate) fn from_json(payload: &Value, secret: &str) -> Result<Self, RotationError> {
        let step = text(payload, "Step")?;
        let step = Step::ALL.into_iter().find(|known| known.as_str() == step);
        let step = step.ok_or_else(|| {
            let names = Step::ALL.map(Step::as_str).join(", ");
            refused(payload, "Step", &format!("must be one of {names}"))
        })?;
        if text(payload, "SecretId")? != secret {
            let rule = format!("must be the secret this function rotates, {secret}");
            return Err(refused(payload, "SecretId", &rule));
        }
        let token = text(payload, "ClientRequestToken")?.to_owned();
        Ok(Self { step, token })
    }
}

fn text<'a>(payload: &'a Value, field: &str) -> Result<&'a str, RotationError> {
    match payload.get(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) => Err(refused(payload, field, "must be a string that isn't empty")),
        None => Err(RotationError::InvalidRequest(format!(
            "{field} is missing; Secrets Manager invokes a rotation function with Step, SecretId and ClientRequestToken"
        ))),
    }
}

fn refused(payload: &Value, field: &str, rule: &str) -> RotationError {
    RotationError::InvalidRequest(format!("{field}: {} {rule}", payload[field]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:key-AbCdEf";

    fn error(payload: &Value) -> String {
        Request::from_json(payload, SECRET).unwrap_err().to_string()
    }

    #[test]
    fn every_step_is_read_and_other_members_are_ignored() {
        for step in Step::ALL {
            let payload = json!({
                "Step": step.as_str(),
                "SecretId": SECRET,
                "ClientRequestToken": "v2",
                "RotationToken": "of another account",
            });
            let token = "v2".to_owned();
            assert_eq!(
                Request::from_json(&payload, SECRET).unwrap(),
                Request { step, token }
            );
        }
    }

    #[test]
    fn what_is_no_rotation_is_refused_with_its_field_value_and_rule() {
        let payload = |step: Value, secret: Value, token: Value| json!({"Step": step, "SecretId": secret, "ClientRequestToken": token});
        let good = || (json!("setSecret"), json!(SECRET), json!("v2"));
        let (step, secret, token) = good();
        assert_eq!(
            error(&payload(json!("set_secret"), secret, token)),
            r#"Step: "set_secret" must be one of createSecret, setSecret, testSecret, finishSecret"#
        );
        let (_, secret, token) = good();
        assert_eq!(
            error(&payload(json!(1), secret, token)),
            "Step: 1 must be a string that isn't empty"
        );
        let (_, _, token) = good();
        assert_eq!(
            error(&payload(step, json!("another"), token)),
            format!(r#"SecretId: "another" must be the secret this function rotates, {SECRET}"#)
        );
        let (step, secret, _) = good();
        assert_eq!(
            error(&payload(step, secret, json!(""))),
            r#"ClientRequestToken: "" must be a string that isn't empty"#
        );
        for missing in ["Step", "SecretId", "ClientRequestToken"] {
            let (step, secret, token) = good();
            let mut payload = payload(step, secret, token);
            payload.as_object_mut().unwrap().remove(missing);
            assert!(
                error(&payload).starts_with(&format!("{missing} is missing; ")),
                "{payload}"
            );
        }
        assert!(error(&json!([])).starts_with("Step is missing"));
    }
}

//! rotate-api-key rolls the key between EventBridge and the webhook without an event being lost or
//! refused: the rotation function of the key's secret, which Secrets Manager invokes once for each of
//! four steps ([rotation functions]).
//!
//! | step | what happens | who knows the new key afterwards |
//! |---|---|---|
//! | createSecret | a new key becomes the secret's AWSPENDING version | whoever reads the secret |
//! | setSecret | a minute later EventBridge's connection gets it | EventBridge sends it; the webhook has learned it by then |
//! | testSecret | the webhook is asked whether it takes it | |
//! | finishSecret | AWSPENDING becomes AWSCURRENT, and what that was AWSPREVIOUS | |
//!
//! Secrets Manager repeats all of them when one fails, under the same token, so each is idempotent. A
//! step that fails gives the connection AWSCURRENT's key back: whether the rotation is repeated, given
//! up or cancelled, what EventBridge sends is a key that the webhook takes.
//!
//! No key is ever logged: between `secret`, `connection` and `webhook` it is a
//! [`SecretString`](secrecy::SecretString), which has no readable debug form.
//!
//! [rotation functions]: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html

pub mod connection;
mod error;
pub mod function;
mod request;
pub mod secret;
mod value;
pub mod webhook;

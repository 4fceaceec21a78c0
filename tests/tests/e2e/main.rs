//! The whole backend on the local cloud: the real template, the real binaries, IAM enforced.
//!
//! One binary, because each would link every SDK again; `make test-e2e` runs it on one thread,
//! because some tests take a part of the stack away for a moment.

mod delivery;
mod idempotency;
mod jobs;
mod killed;
mod queue;
mod recovery;
mod uploads;
mod webhook;

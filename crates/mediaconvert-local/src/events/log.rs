//! A file of all events as they arose, whatever became of them on the way: what a test of their receiver
//! compares with.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use serde_json::json;

use super::event::JobEvent;

/// The file, or none.
#[derive(Debug, Default)]
pub(crate) struct EventLog(Option<BufWriter<File>>);

impl EventLog {
    /// A new file at `path`, in place of what was there.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self(Some(BufWriter::new(File::create(path)?))))
    }

    /// Adds a line: the event's `detail`, and whether it was `dropped`.
    pub(crate) fn write(&mut self, event: &JobEvent, dropped: bool) {
        if let Some(file) = &mut self.0 {
            let line = json!({"dropped": dropped, "detail": event.detail});
            report(writeln!(file, "{line}"));
        }
    }

    /// Lets readers see all lines so far.
    pub(crate) fn flush(&mut self) {
        if let Some(file) = &mut self.0 {
            report(file.flush());
        }
    }
}

fn report(written: io::Result<()>) {
    if let Err(error) = written {
        tracing::error!(%error, "the event log can't be written");
    }
}

//! ffmpeg and ffprobe as child processes.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use tokio::process::Command;

/// Where the two programs are.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    /// ffmpeg.
    pub(crate) ffmpeg: PathBuf,
    /// ffprobe.
    pub(crate) ffprobe: PathBuf,
}

impl Tools {
    /// Checks that both run, so that this shows at the start and not with the first job.
    pub(crate) async fn check(&self) -> anyhow::Result<()> {
        for (flag, program) in [("--ffmpeg", &self.ffmpeg), ("--ffprobe", &self.ffprobe)] {
            let program = program.display();
            let how = || format!("{program} cannot be run; name another with {flag}");
            let status = (Command::new(program.to_string()).arg("-version"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .await
                .with_context(how)?;
            ensure!(status.success(), how());
        }
        Ok(())
    }

    /// A command that runs in `directory`, ends with its handle and reads nothing from us.
    pub(crate) fn command(program: &Path, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(directory)
            .env("SVT_LOG", "1") // errors alone; it writes past ffmpeg's own log
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

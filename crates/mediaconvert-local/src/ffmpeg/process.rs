//! Runs ffmpeg and follows what it reports.

use std::path::Path;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use crate::tools::Tools;

/// What is kept of ffmpeg's complaints.
const STDERR_LIMIT: usize = 4096;

/// How far an encode is, as ffmpeg's `-progress` says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct EncodeProgress {
    /// Seconds written.
    pub(crate) seconds: f64,
    /// Frames written.
    pub(crate) frames: u64,
}

/// ffmpeg ended without a result.
#[derive(Debug, thiserror::Error)]
#[error("ffmpeg: {0}")]
pub(crate) struct EncodeError(String);

/// Runs one encode in `directory`. Dropping the future kills ffmpeg.
pub(crate) async fn encode(
    tools: &Tools,
    directory: &Path,
    arguments: &[String],
    mut on_progress: impl FnMut(EncodeProgress),
) -> Result<(), EncodeError> {
    let failed = |error: std::io::Error| EncodeError(error.to_string());
    tracing::debug!(?arguments, "ffmpeg");
    let mut child = Tools::command(&tools.ffmpeg, directory)
        .args(arguments)
        .spawn()
        .map_err(failed)?;
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut stderr = child.stderr.take().expect("stderr is piped");
    let follow = async {
        let mut lines = BufReader::new(stdout).lines();
        let mut progress = EncodeProgress::default();
        while let Some(line) = lines.next_line().await? {
            if read(&mut progress, &line) {
                on_progress(progress);
            }
        }
        Ok(())
    };
    let complain = async {
        let mut complaints = Vec::new();
        stderr.read_to_end(&mut complaints).await?;
        Ok(complaints)
    };
    let (status, (), complaints) = tokio::try_join!(child.wait(), follow, complain).map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    let complaints = String::from_utf8_lossy(&complaints);
    Err(EncodeError(match complaints.trim() {
        "" => status.to_string(),
        text => text.chars().take(STDERR_LIMIT).collect(),
    }))
}

/// Takes one `key=value` line in; true at the end of a report.
fn read(progress: &mut EncodeProgress, line: &str) -> bool {
    match line.split_once('=') {
        Some(("frame", value)) => progress.frames = value.trim().parse().unwrap_or(progress.frames),
        // `N/A` until there is something.
        Some(("out_time_us", value)) => {
            if let Ok(micros) = value.trim().parse::<f64>() {
                progress.seconds = (micros / 1e6).max(progress.seconds);
            }
        }
        Some(("progress", _)) => return true,
        _ => {}
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_to_their_end() {
        let lines = [
            "frame=54",
            "bitrate=N/A",
            "out_time_us=N/A",
            "progress=continue",
            "frame=120",
            "out_time_us=3933333",
            "progress=end",
        ];
        let mut progress = EncodeProgress::default();
        let reports: Vec<_> = (lines.iter())
            .filter_map(|line| read(&mut progress, line).then_some(progress))
            .collect();

        assert_eq!(
            reports[0],
            EncodeProgress {
                seconds: 0.0,
                frames: 54
            }
        );
        assert_eq!(
            reports[1],
            EncodeProgress {
                seconds: 3.933_333,
                frames: 120
            }
        );
    }
}

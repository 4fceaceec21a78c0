//! Media for the tests: clips made by ffmpeg, outputs looked at by ffprobe.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Cloud;

/// Makes a clip of a test picture, with a tone if `sound`, and answers its path.
#[must_use]
pub fn clip(cloud: &Cloud, folder: &Path, seconds: u32, sound: bool) -> PathBuf {
    let file = folder.join("clip.mp4");
    let picture = format!("testsrc2=size=320x180:rate=30:duration={seconds}");
    let tone = format!("sine=frequency=440:sample_rate=48000:duration={seconds}");
    let mut ffmpeg = Command::new(&cloud.description.ffmpeg);
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", &picture]);
    if sound {
        ffmpeg.args(["-f", "lavfi", "-i", &tone, "-c:a", "aac"]);
    }
    ffmpeg
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"])
        .arg(&file);
    assert!(ffmpeg.status().unwrap().success(), "{ffmpeg:?}");
    file
}

/// What ffprobe says of a file.
#[must_use]
pub fn probe(cloud: &Cloud, file: &Path) -> Value {
    let mut ffprobe = Command::new(&cloud.description.ffprobe);
    ffprobe
        .args(["-v", "error", "-show_format", "-show_streams", "-of", "json"])
        .arg(file);
    let probed = ffprobe.output().unwrap();
    assert!(
        probed.status.success(),
        "{}",
        String::from_utf8_lossy(&probed.stderr)
    );
    serde_json::from_slice(&probed.stdout).unwrap()
}

/// The codec of the first stream of a kind.
#[must_use]
pub fn codec<'probe>(probed: &'probe Value, kind: &str) -> Option<&'probe str> {
    let streams = probed["streams"].as_array()?;
    streams.iter().find(|stream| stream["codec_type"] == kind)?["codec_name"].as_str()
}

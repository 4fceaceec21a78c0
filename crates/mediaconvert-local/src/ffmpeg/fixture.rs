//! Inputs for tests.

use tempfile::TempDir;

use super::encode;
use crate::probe::{self, Media};
use crate::tools::Tools;

/// 2 s of 640×360.
pub(crate) const PICTURES: [&str; 4] = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=2"];
/// 2 s of a mono tone.
pub(crate) const SOUND: [&str; 4] = ["-f", "lavfi", "-i", "sine=d=2"];

/// An input made by ffmpeg itself.
pub(crate) struct Input {
    /// The tests' ffmpeg and ffprobe.
    pub(crate) tools: Tools,
    /// Where it is, as `input`.
    pub(crate) directory: TempDir,
    /// What is in it.
    pub(crate) media: Media,
}

impl Input {
    /// What ffmpeg makes of `options`.
    pub(crate) async fn new(options: &[&str]) -> Self {
        let tools = Tools::for_tests();
        let directory = tempfile::tempdir().unwrap();
        let mut made: Vec<String> = ["-v", "error", "-y"].map(str::to_owned).into();
        made.extend(options.iter().map(|&option| option.to_owned()));
        made.push("file:input".to_owned());
        encode(&tools, directory.path(), &made, |_| ()).await.unwrap();
        let media = probe::input(&tools, directory.path(), "input").await.unwrap();
        Self {
            tools,
            directory,
            media,
        }
    }

    /// 2 s of 640×360 at 30 frames a second with mono sound.
    pub(crate) async fn clip() -> Self {
        let mut options = PICTURES.to_vec();
        options.extend(SOUND);
        options.extend(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
        options.extend(["-c:a", "aac", "-f", "mp4"]);
        Self::new(&options).await
    }
}

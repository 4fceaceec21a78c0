//! Pictures for inputs that have none.

use super::command_line::{Arguments, input};
use crate::probe::Media;

/// The arguments with which ffmpeg adds black video to the sound in `file` and writes both to
/// `target`, as long as the sound: "MediaConvert automatically creates black video" when an output
/// has video and the input has none
/// ([video generator](https://docs.aws.amazon.com/mediaconvert/latest/ug/configuring-video-generator.html)).
/// Size and frame rate are the generator's defaults, 540×360 at 29.97.
pub(crate) fn add_black_video(file: &str, media: &Media, target: &str) -> Vec<String> {
    let mut arguments = Arguments::default();
    arguments.add(["-v", "error", "-nostdin", "-y"]);
    input(&mut arguments, file, media);
    arguments.add([
        "-f",
        "lavfi",
        "-i",
        "color=black:size=540x360:rate=30000/1001,format=yuv420p",
    ]);
    // Both into one container that takes nearly any sound as it is.
    arguments.add(["-map", "0:a", "-map", "1:v", "-c", "copy", "-map_chapters", "-1"]);
    arguments.add(["-c:v", "libx264", "-preset", "ultrafast"]);
    match media.seconds {
        Some(seconds) => arguments.option("-t", seconds),
        None => arguments.add(["-shortest"]),
    }
    arguments.add(["-f".to_owned(), "matroska".to_owned(), format!("file:{target}")]);
    arguments.0
}

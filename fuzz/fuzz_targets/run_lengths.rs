//! Megabytes in a few bytes: libFuzzer works on short inputs, while the limits it should find lie at
//! 16 KB to 1 MiB and dozens of levels.
//!
//! JSON allows no control characters, so they are free to stand for repetition: 1 to 8 repeat the byte
//! before them 4 to 65,536 times, 16 to 31 the 4 to 64 bytes before them 1,024 times.

/// Some more than EventBridge's 1 MiB, so that what is refused for its length comes up too.
const LONGEST: usize = 1_100_000;

pub(crate) fn expand(short: &[u8]) -> Vec<u8> {
    let mut long = Vec::with_capacity(short.len());
    for &byte in short {
        match byte {
            1..=8 => repeat(&mut long, 1, 4_usize.pow(byte.into())),
            16..=31 => repeat(&mut long, 4 * (usize::from(byte) - 15), 1_024),
            byte => long.push(byte),
        }
    }
    long
}

fn repeat(long: &mut Vec<u8>, length: usize, times: usize) {
    let Some(from) = long.len().checked_sub(length) else {
        return;
    };
    let times = times.min(LONGEST.saturating_sub(long.len()) / length);
    let run = long[from..].repeat(times);
    long.extend(run);
}

//! The log: lines on standard error, for people or as JSON, and the newest of them in memory for diagnostics.
//!
//! Only what Latchkey's own code says is written, at any level. Libraries at their most talkative repeat what goes
//! over a connection, and there are PINs in that.

use super::clocks;
use crate::config::{Format, Log};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

/// How many lines are kept in memory.
const LINES: usize = 400;
/// How many bytes they may have together.
const BYTES: usize = 64 * 1024;

/// The newest lines of the log.
#[derive(Clone, Default)]
pub struct Ring(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Ring {
    /// Oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lines.iter().cloned().collect()
    }

    fn keep(&self, text: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in String::from_utf8_lossy(text).lines().filter(|line| line.len() < BYTES / 4) {
            kept.bytes += line.len();
            kept.lines.push_back(line.to_owned());
        }
        while kept.lines.len() > LINES || kept.bytes > BYTES {
            let Some(oldest) = kept.lines.pop_front() else { break };
            kept.bytes -= oldest.len();
        }
    }
}

/// Writes to standard error and into the ring.
struct Tee(Ring);

impl Write for Tee {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.keep(line);
        io::stderr().write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

struct Sink(Ring);

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Tee;

    fn make_writer(&'a self) -> Tee {
        Tee(self.0.clone())
    }
}

/// UTC to the millisecond: six digits of a fraction would look like a PIN to whoever searches logs for one.
struct LogTime;

impl FormatTime for LogTime {
    fn format_time(&self, w: &mut Writer<'_>) -> std::fmt::Result {
        let now = clocks::now();
        let t = now.wall.to_local(0);
        let (year, month, day, ms) = (t.year, t.month, t.day, now.wall_ms);
        write!(w, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z", t.hour, t.minute, t.second)
    }
}

/// The way to the log that was started.
#[derive(Clone)]
pub struct LogHandle {
    level: reload::Handle<LevelFilter, Registry>,
    ring: Ring,
}

impl LogHandle {
    /// Starts the log of this process.
    pub fn start(log: Log) -> Self {
        let ring = Ring::default();
        let (level, handle) = reload::Layer::new(log.level.filter());
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_target(false)
            .with_timer(LogTime)
            .with_writer(Sink(ring.clone()));
        let lines = match log.format {
            Format::Text => lines.boxed(),
            Format::Json => {
                lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
            }
        };
        let own = filter_fn(|what| what.target().starts_with("latchkey"));
        // Fails only if there is one already.
        let _ = tracing_subscriber::registry().with(level).with(lines.with_filter(own)).try_init();
        Self { level: handle, ring }
    }

    /// From now on from this level on.
    pub fn set_level(&self, level: crate::config::Level) {
        // Fails only without a log.
        let _ = self.level.reload(level.filter());
    }

    /// The newest lines.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_keeps_the_newest_and_stays_small() {
        let ring = Ring::default();
        for i in 0..LINES + 7 {
            ring.keep(format!("line {i}\n").as_bytes());
        }
        let lines = ring.lines();
        assert_eq!((lines.len(), lines[0].as_str()), (LINES, "line 7"));
        for _ in 0..100 {
            ring.keep("x".repeat(BYTES / 8).as_bytes());
        }
        assert!(ring.lines().iter().map(String::len).sum::<usize>() <= BYTES);
    }
}

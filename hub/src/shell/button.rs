//! The hub's button: a file that reads `1` while it is held, such as a GPIO's `value`. Held for ten seconds it offers,
//! for five minutes, to start over at the panel: who does that stands at the hub.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long it has to be held.
const HOLD: Duration = Duration::from_secs(10);
/// How long the offer stands.
const OFFER: Duration = Duration::from_secs(5 * 60);
/// Between looks.
const LOOK: Duration = Duration::from_millis(500);

/// Whether the button was held lately.
#[derive(Clone)]
pub struct Button(watch::Receiver<Option<Instant>>);

impl Button {
    /// Watches this file for as long as the program runs; `None`: there is no button.
    pub fn watch(path: Option<PathBuf>) -> Self {
        let (held, seen) = watch::channel(None);
        if let Some(path) = path {
            tokio::spawn(look(path, held, HOLD));
        }
        Self(seen)
    }

    /// Whether starting over is on offer.
    pub fn offers(&self) -> bool {
        self.0.borrow().is_some_and(|at| at.elapsed() < OFFER)
    }
}

async fn look(path: PathBuf, held: watch::Sender<Option<Instant>>, hold: Duration) {
    let mut since: Option<Instant> = None;
    loop {
        since = is_down(&path).await.then(|| since.unwrap_or_else(Instant::now));
        if since.is_some_and(|since| since.elapsed() >= hold) {
            held.send_replace(Some(Instant::now()));
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn is_down(path: &Path) -> bool {
    // Files of this kind never block.
    let Ok(file) = std::fs::File::open(path) else { return false };
    let mut first = [0];
    std::io::Read::read(&mut &file, &mut first).is_ok_and(|n| n == 1) && first == *b"1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_button_that_is_held_offers_anything() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("value");
        let (held, seen) = watch::channel(None);
        let looking = tokio::spawn(look(path.clone(), held, Duration::from_millis(1)));
        let button = Button(seen);
        for text in ["", "0\n", "yes"] {
            std::fs::write(&path, text).unwrap();
            tokio::time::sleep(2 * LOOK).await;
            assert!(!button.offers(), "{text:?}");
        }
        std::fs::write(&path, "1\n").unwrap();
        tokio::time::sleep(4 * LOOK).await;
        assert!(button.offers());
        looking.abort();
        assert!(!Button::watch(None).offers());
    }
}

//! What may be done with a door at the open panel: move its bolt, and have its codes read anew.

use super::{PanelError, Token};
use crate::core::clock::Now;
use crate::core::hub::HubCore;
use crate::core::lock::Bolt;
use crate::core::reconcile::NoResync;
use latchkey_shared::id::LockId;

/// Something to be done with a door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DoorAct {
    /// Lock it.
    Lock,
    /// Unlock it.
    Unlock,
    /// Read anew which codes are on it.
    Resync,
}

impl HubCore {
    /// Does something with a door at the open panel. What comes of it is in the log and in the lock's state.
    ///
    /// # Errors
    /// The panel is shut, the lock is not here, or there is nothing to be read.
    pub fn panel_door(
        &mut self,
        token: &Token,
        lock: LockId,
        act: DoorAct,
        now: &Now,
    ) -> Result<(), PanelError> {
        self.clock.observe(now);
        let by = self.panel_touch(token, now).ok_or(PanelError::Shut)?;
        let to = match act {
            DoorAct::Lock => Bolt::Locked,
            DoorAct::Unlock => Bolt::Unlocked,
            DoorAct::Resync => {
                return self.resync(lock, None, now).map_err(|why| match why {
                    NoResync::Wait(_) => PanelError::ReadJustNow,
                    NoResync::Nothing => PanelError::NothingToRead,
                });
            }
        };
        self.operate(lock, to, by, now).then_some(()).ok_or(PanelError::NotHere)
    }
}

//! The last words of a hub that was removed.

use super::*;
use crate::core::limits::{FAREWELL_EVENTS, FAREWELL_SECS};

#[test]
fn a_hub_that_was_removed_may_finish_its_log_and_nothing_else() {
    let mut case = Case::new(12);
    let hub = case.author.hub;
    let before = case.event();
    case.push(vec![], vec![before]).unwrap();
    let (report, rest, late) = (case.report(9, vec![]), case.event(), case.event());
    let from = case.author.ops.len();
    case.author.push(Body::RemoveHub(hub)).unwrap();
    case.submit_from(from, vec![]).unwrap();
    let taken = case.push(vec![report], vec![rest.clone()]).unwrap();
    assert_eq!((taken.ack.events_through, taken.events.len(), taken.reports.len()), (2, 1, 0));
    assert_eq!(case.home.store().count_reports(&hub).unwrap(), 0, "how its locks are it says no more");
    assert_eq!(case.push(vec![], vec![rest]).unwrap().ack.events_through, 2, "a repetition is no new word");
    let issuer = case.issuer;
    assert_eq!(case.home.submit_hub(&hub, &issuer, b"", NOW).unwrap_err(), HUB_REMOVED);
    assert_eq!(case.home.hub_of_home(&hub).unwrap_err(), HUB_REMOVED);
    // Not for ever, and no endless log.
    let push = |events: Vec<Blob>| to_vec(&HubPush { seq: None, reports: vec![], events });
    let late = push(vec![late]);
    assert_eq!(case.home.push(&hub, &late, NOW + FAREWELL_SECS + 1).unwrap_err(), HUB_REMOVED);
    assert_eq!(case.home.push(&hub, &late, NOW + FAREWELL_SECS).unwrap().ack.events_through, 3);
    let mut through = 3;
    while through < FAREWELL_EVENTS + 1 {
        let events = (0..100).map(|_| case.event()).collect();
        through = case.push(vec![], events).unwrap().ack.events_through;
    }
    assert_eq!(through, FAREWELL_EVENTS + 1, "from where it was when it was removed");
    let more = case.events.last().map(|(bytes, _)| Blob(bytes.clone())).unwrap();
    assert_eq!(case.push(vec![], vec![more]).unwrap_err(), HUB_REMOVED);
}

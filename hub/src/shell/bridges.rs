//! From the configuration to drivers, and from one configuration to the next.

use super::fleet::{Expected, Named, Reconfigure};
use crate::config::Config;
use crate::drivers::sim::model::SimLock;
use crate::drivers::sim::{self, SimHome};
use crate::drivers::{Driver, matter, zigbee2mqtt, zwave_js};

/// A bridge as the configuration has it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Bridge {
    ZwaveJs(zwave_js::Settings),
    Zigbee2Mqtt(zigbee2mqtt::Settings),
    Matter(matter::Settings),
}

impl Bridge {
    fn all(config: &Config) -> Vec<Self> {
        let zwave = config.zwave_js.iter().cloned().map(Self::ZwaveJs);
        let zigbee = config.zigbee2mqtt.iter().cloned().map(Self::Zigbee2Mqtt);
        let matter = config.matter.iter().cloned().map(Self::Matter);
        zwave.chain(zigbee).chain(matter).collect()
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::ZwaveJs(_) => "zwave_js",
            Self::Zigbee2Mqtt(_) => "zigbee2mqtt",
            Self::Matter(_) => "matter",
        }
    }

    /// The same for as long as it is the same bridge, whatever else is set.
    fn name(&self) -> String {
        match self {
            Self::ZwaveJs(bridge) => format!("zwave_js {}", bridge.url),
            Self::Zigbee2Mqtt(bridge) => format!("zigbee2mqtt {} {}", bridge.url, bridge.base_topic),
            Self::Matter(bridge) => format!("matter {}", bridge.url),
        }
    }
}

/// The bridges' names, for people.
pub fn names(config: &Config) -> Vec<String> {
    Bridge::all(config).iter().map(Bridge::name).collect()
}

/// All drivers of a configuration.
pub fn drivers(config: &Config, sim: &SimHome) -> Vec<Named> {
    let bridges = Bridge::all(config);
    let bridges = bridges.iter().map(|bridge| named(bridge, config));
    bridges.chain([simulated(sim)]).collect()
}

fn simulated(sim: &SimHome) -> Named {
    Named { name: sim::NAME.to_owned(), instead_of: None, driver: sim.driver() }
}

fn named(bridge: &Bridge, config: &Config) -> Named {
    let driver: Box<dyn Driver> = match bridge.clone() {
        Bridge::ZwaveJs(settings) => zwave_js::driver(&settings.located(&config.secrets)),
        Bridge::Zigbee2Mqtt(settings) => zigbee2mqtt::driver(settings, config.secrets.clone()),
        Bridge::Matter(settings) => matter::driver(settings.located(&config.secrets)),
    };
    Named { name: bridge.name(), instead_of: None, driver }
}

/// Whether a configuration has a lock. Which network a bridge has is not known before it is reached, so any bridge of
/// the kind will do.
pub fn expected(config: &Config) -> Expected {
    let sim: Vec<String> = config.sim.iter().map(|lock| lock.key.clone()).collect();
    let topics: Vec<String> =
        config.zigbee2mqtt.iter().map(|b| format!("zigbee2mqtt/{}/", b.base_topic)).collect();
    let (zwave, matter) = (!config.zwave_js.is_empty(), !config.matter.is_empty());
    Box::new(move |driver, key| match driver {
        sim::NAME => sim.iter().any(|known| known == key),
        "zigbee2mqtt" => topics.iter().any(|topic| key.starts_with(topic)),
        "zwave_js" => zwave,
        "matter" => matter,
        _ => false,
    })
}

/// What is started, and instead of which one, and what is stopped.
fn difference(before: &[Bridge], after: &[Bridge]) -> (Vec<(Bridge, Option<String>)>, Vec<String>) {
    let named_in = |all: &[Bridge], name: &str| all.iter().any(|bridge| bridge.name() == name);
    let mut stop: Vec<&Bridge> = before.iter().filter(|bridge| !named_in(after, &bridge.name())).collect();
    let mut start = vec![];
    for bridge in after.iter().filter(|bridge| !before.contains(bridge)) {
        let new = !named_in(before, &bridge.name());
        // One that went and one that came, of the same kind: the bridge has moved, and its locks with it.
        let moved = stop.iter().position(|old| new && old.kind() == bridge.kind());
        start.push((bridge.clone(), moved.map(|at| stop.remove(at).name())));
    }
    (start, stop.into_iter().map(Bridge::name).collect())
}

/// What has to be done to come from one configuration to the other; `None`: nothing.
pub fn change(old: &Config, new: &Config, sim: &SimHome) -> Option<Reconfigure> {
    let (bridges, stop) = difference(&Bridge::all(old), &Bridge::all(new));
    let started = bridges
        .iter()
        .map(|(bridge, instead_of)| Named { instead_of: instead_of.clone(), ..named(bridge, new) });
    let mut start: Vec<Named> = started.collect();
    let told = |locks: &[SimLock]| -> Vec<_> {
        locks.iter().map(|lock| (lock.key.clone(), lock.name.clone(), lock.abilities.clone())).collect()
    };
    if told(&old.sim) != told(&new.sim) {
        sim.configure(&new.sim);
        start.push(simulated(sim));
    }
    let any = !start.is_empty() || !stop.is_empty();
    any.then(|| Reconfigure { start, stop, expected: expected(new) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;

    fn config(text: &str) -> Config {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("hub.toml"), text).unwrap();
        Source::in_state(dir.path()).load().unwrap()
    }

    fn between(old: &str, new: &str) -> (Vec<(String, Option<String>)>, Vec<String>) {
        let (start, stop) = difference(&Bridge::all(&config(old)), &Bridge::all(&config(new)));
        (start.into_iter().map(|(bridge, instead_of)| (bridge.name(), instead_of)).collect(), stop)
    }

    const A: &str = "[[zwave_js]]\nurl = \"ws://127.0.0.1:1\"\n";
    const B: &str = "[[zwave_js]]\nurl = \"ws://127.0.0.1:2\"\n";
    const M: &str = "[[matter]]\nurl = \"ws://127.0.0.1:1\"\n";

    #[test]
    fn only_what_has_changed_is_touched() {
        let (a, b, m) = ("zwave_js ws://127.0.0.1:1", "zwave_js ws://127.0.0.1:2", "matter ws://127.0.0.1:1");
        let own = |name: &str| (name.to_owned(), None);
        assert_eq!(between(A, A), (vec![], vec![]));
        assert_eq!(between(A, &format!("{M}{A}")), (vec![own(m)], vec![]));
        assert_eq!(between(&format!("{A}{B}"), B), (vec![], vec![a.to_owned()]));
        assert_eq!(between(A, B), (vec![(b.to_owned(), Some(a.to_owned()))], vec![]), "it has moved");
        assert_eq!(between(A, M), (vec![own(m)], vec![a.to_owned()]));
        assert_eq!(between(A, &format!("{A}insecure = true\n")), (vec![own(a)], vec![]), "in its own place");
    }

    #[test]
    fn locks_of_a_bridge_that_is_configured_are_expected() {
        let text = format!("{A}[[zigbee2mqtt]]\nurl = \"mqtt://localhost\"\nbase_topic = \"upstairs\"\n");
        let expected = expected(&config(&text));
        assert!(
            expected("zwave_js", "zwave_js/abc/5") && expected("zigbee2mqtt", "zigbee2mqtt/upstairs/0x1")
        );
        for (driver, key) in
            [("zigbee2mqtt", "zigbee2mqtt/down/0x1"), ("matter", "matter/1/2/3"), ("sim", "sim/A"), ("", "")]
        {
            assert!(!expected(driver, key), "{key}");
        }
    }
}

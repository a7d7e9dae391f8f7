// The real zwave-js driver and the real @zwave-js/server, over zwave-js' own stand-in for the radio and the locks. Run
// by main.mjs, which may kill it at any moment: what the locks remember is on disk.
import { createAndStartDriverWithMockPort, createDefaultMockControllerBehaviors, createDefaultMockNodeBehaviors } from "zwave-js/Testing";
import { RemoveNodeReason } from "zwave-js";
import { MockController, MockNode, createMockZWaveRequestFrame } from "@zwave-js/testing";
import { ZwavejsServer } from "@zwave-js/server";
import { NotificationCCReport } from "@zwave-js/cc/NotificationCC";
import { BatteryCCReport } from "@zwave-js/cc/BatteryCC";
import { DoorLockCCOperationReport } from "@zwave-js/cc/DoorLockCC";
import { UserCredentialCCCredentialReport } from "@zwave-js/cc/UserCredentialCC";
import { Security2CC, Security2CCNonceReport } from "@zwave-js/cc/Security2CC";
import { Bytes } from "@zwave-js/shared";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LOCKS } from "./locks.mjs";
import { answering, breaking, veiling } from "./faults.mjs";
import * as memory from "./memory.mjs";

// How long nobody may have spoken before a lock does, in milliseconds.
const QUIET = 150;
const isLost = ({ payload }) => payload instanceof Security2CCNonceReport && payload.SOS;

const [dir, port, ...wanted] = process.argv.slice(2);
const key = (byte) => Bytes.from(byte.repeat(16), "hex");
// Development keys of a network that exists in this process only.
const securityKeys = { S0_Legacy: key("01"), S2_Unauthenticated: key("11"), S2_Authenticated: key("22"), S2_AccessControl: key("33") };

const { driver, mockPort, serial, continueStartup } = await createAndStartDriverWithMockPort({
  securityKeys,
  storage: { cacheDir: path.join(dir, "cache"), throttle: "fast" },
  logConfig: { enabled: !!process.env.ZWAVE_LOG, level: process.env.ZWAVE_LOG, forceConsole: true, showLogo: false },
  testingHooks: { skipFirmwareIdentification: true },
});
const controller = await MockController.create({ homeId: 0x7e570001, ownNodeId: 1, securityKeys, mockPort, serial });
controller.defineBehavior(...createDefaultMockControllerBehaviors());

const locks = new Map();
for (const id of wanted.map(Number)) {
  const { name, kind, masks, capabilities } = LOCKS[id];
  const node = await MockNode.create({ id, controller, capabilities });
  const { state, counted } = memory.read(dir, id);
  const save = () => memory.write(dir, id, { state: node.state, counted });
  node.state = new memory.State(state, save);
  const tell = (cc) => {
    if (node.capabilities.securityClasses?.size) cc = Security2CC.encapsulate(cc, id, node.securityManagers);
    return node.sendToController(createMockZWaveRequestFrame(cc, { ackRequested: false }));
  };
  // What a lock says by itself goes out one after the other, and does not get in between a question and its answer.
  // Over S2 both sides count along: where both speak at once one is not understood, says so, and is told again.
  const speak = async (cc) => {
    while (Date.now() - lock.heard < QUIET) await sleep(20);
    for (let n = 0; n < 3; n++) {
      const lost = node.expectControllerFrame(isLost, { timeout: QUIET }).then(() => true, () => false);
      await tell(cc);
      if (!(await lost)) return;
    }
  };
  const send = (cc) => {
    const sent = lock.outbox.then(() => speak(cc));
    lock.outbox = sent.catch(() => {});
    return sent;
  };
  const notification = (type, event, parameters) => new NotificationCCReport({
    nodeId: controller.ownNodeId, notificationType: type, notificationEvent: event,
    eventParameters: parameters && Bytes.from(parameters),
  });
  const notify = (...what) => send(notification(...what));
  const lock = { id, node, name, kind, masks, counted, save, send, notify, faults: {}, heard: 0, owed: 0, outbox: Promise.resolve() };
  // While a question is open the controller waits and says nothing.
  lock.interject = (...what) => tell(notification(...what));
  // Also of what was written by radio, a moment after.
  lock.changed = (no, added) => kind === "code" && sleep(150).then(() => notify(6, added ? 0x0e : 0x0d, [no]));
  controller.addNode(node);
  node.defineBehavior(...createDefaultMockNodeBehaviors());
  node.defineBehavior(answering, breaking(lock));
  node.behaviors.push(veiling(lock));
  locks.set(id, lock);
}

const parts = { outsideHandlesCanOpenDoor: [true, true, true, true], insideHandlesCanOpenDoor: [true, true, true, true] };
async function turn(lock, locked, event, parameters) {
  const mode = locked ? 0xff : 0x00;
  lock.node.state.set("DoorLock_currentMode", mode);
  await lock.notify(6, event, parameters);
  await lock.send(new DoorLockCCOperationReport({ nodeId: controller.ownNodeId, currentMode: mode, ...parts }));
}

// What a person, a test or fate does to a lock.
const acts = {
  async keypad(lock, { pin }) {
    const no = memory.opens(lock.node.state, lock.kind, pin);
    // Home security, "Tampering, invalid code".
    if (no === null) await lock.notify(7, 4);
    else await turn(lock, false, 6, [no]);
    return { slot: no };
  },
  async program(lock, { slot, pin, quiet }) {
    memory.program(lock.node.state, lock.kind, slot, pin);
    if (quiet) return;
    if (lock.kind === "code") return lock.notify(6, pin ? 0x0e : 0x0d, [slot]);
    await lock.send(new UserCredentialCCCredentialReport({
      nodeId: controller.ownNodeId, reportType: pin ? 0 : 2, userId: slot, credentialType: 1, credentialSlot: slot,
      credentialReadBack: true, credentialData: Bytes.from(pin ?? ""), modifierType: 3, modifierNodeId: 0,
      nextCredentialType: 0, nextCredentialSlot: 0,
    }));
  },
  async erase(lock) {
    for (let no = 1; no <= 250; no++) memory.program(lock.node.state, lock.kind, no, null);
    // "All user codes deleted".
    await lock.notify(6, 0x0c);
  },
  turn: (lock, { locked }) => turn(lock, locked, locked ? 1 : 2),
  jam: (lock) => lock.notify(6, 0x0b),
  tamper: (lock) => lock.notify(7, 3),
  notify: (lock, { type, event, parameters }) => lock.notify(type, event, parameters),
  async battery(lock, { level }) {
    lock.node.state.set("battery", level);
    await lock.send(new BatteryCCReport({ nodeId: controller.ownNodeId, level }));
  },
  fault: (lock, { set }) => void Object.assign(lock.faults, set),
  dead(lock) {
    lock.node.autoAckControllerFrames = false;
    lock.faults.silent = true;
  },
  heal(lock) {
    lock.node.autoAckControllerFrames = true;
    for (const name of Object.keys(lock.faults)) delete lock.faults[name];
  },
  // Nothing is under way any more: neither late answers nor what the lock has to say by itself.
  async settle(lock) {
    while (lock.owed) await sleep(20);
    await sleep(QUIET);
    await lock.outbox;
    await sleep(50);
  },
  remove(lock) {
    // In the order in which the driver itself does it.
    driver.controller.emit("node removed", driver.controller.nodes.get(lock.id), RemoveNodeReason.Excluded);
    driver.controller.nodes.delete(lock.id);
  },
  rename: (lock, { name }) => void (driver.controller.nodes.get(lock.id).name = name),
  state: (lock, { slot }) => ({
    ...memory.slot(lock.node.state, lock.kind, slot),
    schedule: lock.node.state.get(`ScheduleEntryLock_schedule_${slot}_1_1`) ?? null,
    locked: lock.node.state.get("DoorLock_currentMode") === 0xff,
  }),
  frames: (lock) => ({
    received: lock.node.receivedControllerFrames.filter((frame) => frame.type === 0).length,
    sent: lock.node.sentControllerFrames.filter((frame) => frame.type === 0).length,
    commands: lock.counted,
  }),
};

process.on("message", async ({ id, do: act, node, ...more }) => {
  try {
    process.send({ ...(await acts[act](locks.get(node), more)), id, ok: true });
  } catch (error) {
    process.send({ id, ok: false, error: String(error.stack) });
  }
});
process.on("disconnect", () => process.exit(0));

driver.on("error", (error) => console.error("driver:", error.message));
driver.once("driver ready", async () => {
  const server = new ZwavejsServer(driver, {
    port: Number(port), host: "127.0.0.1", enableDNSServiceDiscovery: false,
    logger: { debug() {}, info() {}, warn: console.error, error: console.error },
  });
  await server.start(true);
  for (const lock of locks.values()) driver.controller.nodes.get(lock.id).name ||= lock.name;
  process.send({ listening: true });
});
driver.once("all nodes ready", () => process.send({ interviewed: true }));
continueStartup();

// A door lock as its radio sees it: the clusters of the Zigbee Cluster Library that zigbee2mqtt speaks, users with
// PINs, a keypad, and ways to fail. Frames are read and written with the codec of zigbee-herdsman.

import { setTimeout as sleep } from "node:timers/promises";
import { Zcl } from "zigbee-herdsman";

const DOOR_LOCK = "closuresDoorLock";
const GLOBAL = new Set(["readRsp", "report", "writeRsp", "configReportRsp", "defaultRsp"]);
const LOCKED = 1;
const UNLOCKED = 2;
const NOT_FULLY_LOCKED = 0;
/** Longer than anybody waits. */
const FOREVER_MS = 600_000;

/** It does nothing and says that it did; says that it failed, has the PIN already, is full; does nothing and says nothing;
 * answers after so many milliseconds; shows no PIN; its bolt gets stuck. */
export const FAULTS = ["drop", "fail", "duplicate", "full", "silent", "delay", "mask", "jam"];

export class Lock {
  /**
   * `model`: what it says of itself; `users`: how many; `mute`: it does not tell its limits; `percentUnit`: how many of
   * its units are a percent of its battery; `send`: where what it says by itself goes.
   */
  constructor(settings, send) {
    Object.assign(this, { vendor: "Yale", endpoint: 1, users: 250, pins: true, percentUnit: 2, ...settings });
    this.send = send;
    this.kept = new Map();
    this.fault = {};
    this.turn = Promise.resolve();
    this.online = true;
    this.bolt = LOCKED;
    this.battery = 85;
    this.linkquality = 120;
    this.sequence = 1;
    this.clearFrames();
  }

  clearFrames() {
    this.frames = { total: 0, read: 0, write: 0, by: {} };
  }

  /** What is told of it on the control port; PINs included, since this is the lock's own memory. */
  state() {
    const { online, bolt, battery, frames, fault } = this;
    return { users: Object.fromEntries(this.kept), online, bolt, battery, frames, fault };
  }

  /** Answers a frame of zigbee2mqtt: the bytes, nothing, or an error as of a radio that got no acknowledgement. */
  async hear(cluster, bytes) {
    const buffer = Buffer.from(bytes, "hex");
    const frame = Zcl.Frame.fromBuffer(cluster, Zcl.Header.fromBuffer(buffer), buffer, {});
    const { name } = frame.command;
    this.count(frame);
    if (!this.online) throw new Error("Delivery failed: no acknowledgement");
    const forLock = frame.cluster.name === DOOR_LOCK;
    if (forLock && this.fault.silent) await sleep(FOREVER_MS, undefined, { ref: false });
    const [command, payload] = this.answer(frame);
    // One after the other, as a lock answers: what waits keeps others waiting.
    const turn = this.turn.then(() => forLock && this.fault.delay && sleep(this.fault.delay));
    this.turn = turn;
    await turn;
    if (!command) return undefined;
    return this.wrap(this.frame(frame.cluster.name, command, payload, frame.header.transactionSequenceNumber), name);
  }

  count(frame) {
    const key = `${frame.cluster.name}.${frame.command.name}`;
    this.frames.total += 1;
    this.frames.by[key] = (this.frames.by[key] ?? 0) + 1;
    if (/^(set|clear)(PinCode|UserStatus)$/.test(frame.command.name)) this.frames.write += 1;
    if (/^get(PinCode|UserStatus)$/.test(frame.command.name)) this.frames.read += 1;
  }

  answer(frame) {
    const { command, cluster, payload, header } = frame;
    if (header.isGlobal) return this.answerGlobal(command.name, cluster, payload);
    if (cluster.name !== DOOR_LOCK) return [];
    const answer = this[command.name]?.(payload);
    return answer ? [`${command.name}Rsp`, answer] : ["defaultRsp", { cmdId: command.ID, statusCode: Zcl.Status.UNSUP_CLUSTER_COMMAND }];
  }

  answerGlobal(command, cluster, payload) {
    if (command === "read") {
      const named = Object.values(cluster.attributes);
      return ["readRsp", payload.map(({ attrId }) => this.attribute(cluster.name, attrId, named.find((a) => a.ID === attrId)))];
    }
    if (command === "configReport") return ["configReportRsp", [{ status: 0 }]];
    if (command === "write") return ["writeRsp", [{ status: 0 }]];
    return [];
  }

  attribute(cluster, attrId, known) {
    const value = this.attributes()[cluster]?.[known?.name];
    if (value === undefined) return { attrId, status: Zcl.Status.UNSUPPORTED_ATTRIBUTE };
    return { attrId, status: 0, dataType: known.type, attrData: value };
  }

  attributes() {
    const limits = this.mute ? {} : { numOfPinUsersSupported: this.users, minPinLen: 4, maxPinLen: this.longest ?? 8 };
    return {
      genBasic: { zclVersion: 3, manufacturerName: this.vendor, modelId: this.model, powerSource: 3, dateCode: "20260101", swBuildId: "1.0" },
      genPowerCfg: { batteryPercentageRemaining: this.battery * this.percentUnit, batteryVoltage: 60, batteryAlarmState: 0 },
      [DOOR_LOCK]: { lockState: this.bolt, lockType: 0, actuatorEnabled: 1, autoRelockTime: 30, soundVolume: 1, ...limits },
    };
  }

  setPinCode({ userid, userstatus, pincodevalue }) {
    const pin = pincodevalue.toString();
    if (!this.pins) return undefined;
    if (this.fault.fail || userid >= this.users) return { status: 1 };
    if (this.fault.full) return { status: 2 };
    if (this.fault.duplicate) return { status: 3 };
    if ([...this.kept].some(([user, kept]) => user !== userid && kept.pin === pin)) return { status: 3 };
    if (!this.fault.drop) {
      const known = this.kept.has(userid);
      this.kept.set(userid, { pin, enabled: userstatus === 1 });
      this.programmed(userid, known ? 4 : 2, 1);
    }
    return { status: 0 };
  }

  clearPinCode({ userid }) {
    if (!this.pins) return undefined;
    if (this.fault.fail) return { status: 1 };
    if (!this.fault.drop && this.kept.delete(userid)) this.programmed(userid, 3, 1);
    return { status: 0 };
  }

  getPinCode({ userid }) {
    if (!this.pins) return undefined;
    const kept = this.kept.get(userid);
    const shown = kept && (this.fault.mask ? "*".repeat(kept.pin.length) : kept.pin);
    const userstatus = kept ? (kept.enabled ? 1 : 3) : 0;
    return { userid, userstatus, usertype: kept ? 0 : 0xff, pincodevalue: Buffer.from(shown ?? "") };
  }

  setUserStatus({ userid, userstatus }) {
    const kept = this.kept.get(userid);
    if (!kept || this.fault.fail) return { status: 1 };
    if (!this.fault.drop) kept.enabled = userstatus === 1;
    return { status: 0 };
  }

  getUserStatus({ userid }) {
    const kept = this.kept.get(userid);
    return { userid, userstatus: kept ? (kept.enabled ? 1 : 3) : 0 };
  }

  lockDoor() {
    return this.move(LOCKED);
  }

  unlockDoor() {
    return this.move(UNLOCKED);
  }

  move(to) {
    const bolt = this.fault.jam ? NOT_FULLY_LOCKED : to;
    setTimeout(() => {
      this.setBolt(bolt);
      if (bolt === to) this.operated(1, to, 0xffff);
    }, 60);
    return { status: 0 };
  }

  setBolt(bolt) {
    this.bolt = bolt;
    this.report(DOOR_LOCK, { lockState: bolt });
  }

  /** Somebody types a PIN; whether the door opens. */
  keypad(pin) {
    const found = [...this.kept].find(([, kept]) => kept.pin === pin && kept.enabled);
    if (!found) {
      this.operated(0, 5, 0xffff);
      return { opened: false };
    }
    this.operated(0, 2, found[0]);
    this.setBolt(UNLOCKED);
    return { opened: true, user: found[0] };
  }

  /** Somebody sets or clears a user's PIN at the lock. */
  program(user, pin) {
    const known = this.kept.has(user);
    if (pin === null) this.kept.delete(user);
    else this.kept.set(user, { pin, enabled: true });
    this.programmed(user, pin === null ? 3 : known ? 4 : 2, 0);
  }

  setBattery(percent) {
    this.battery = percent;
    this.report("genPowerCfg", { batteryPercentageRemaining: percent * this.percentUnit });
  }

  report(cluster, attributes) {
    const known = Zcl.Utils.getCluster(cluster, undefined, {}).attributes;
    const items = Object.entries(attributes).map(([name, attrData]) => ({ attrId: known[name].ID, dataType: known[name].type, attrData }));
    this.say(cluster, "report", items);
  }

  operated(source, code, user) {
    const common = { userid: user, pin: Buffer.alloc(0), zigbeelocaltime: 0, data: "" };
    this.say(DOOR_LOCK, "operationEventNotification", { opereventsrc: source, opereventcode: code, ...common });
  }

  programmed(user, code, source) {
    const common = { userid: user, pin: Buffer.alloc(0), usertype: 0, userstatus: 1, zigbeelocaltime: 0, data: "" };
    this.say(DOOR_LOCK, "programmingEventNotification", { programeventsrc: source, programeventcode: code, ...common });
  }

  say(cluster, command, payload) {
    if (!this.online) return;
    this.sequence = (this.sequence + 1) & 255;
    this.send(this.wrap(this.frame(cluster, command, payload, this.sequence)));
  }

  frame(cluster, command, payload, sequence) {
    const type = GLOBAL.has(command) ? Zcl.FrameType.GLOBAL : Zcl.FrameType.SPECIFIC;
    return Zcl.Frame.create(type, Zcl.Direction.SERVER_TO_CLIENT, true, undefined, sequence, command, cluster, payload, {});
  }

  wrap(frame) {
    const { address, endpoint, linkquality } = this;
    return { address, endpoint, cluster: frame.cluster.ID, bytes: frame.toBuffer().toString("hex"), linkquality };
  }

  /** Answers what the coordinator asks about the device itself. */
  describe(question) {
    if (!this.online) throw new Error("ZDO delivery failed");
    const { address, endpoint } = this;
    const common = { nwkAddress: address };
    const serverMask = { stackComplianceRevision: 22 };
    if (question === 0x0002) return { ...common, logicalType: 2, manufacturerCode: 0x101d, capabilities: {}, serverMask };
    if (question === 0x0005) return { ...common, endpointList: [endpoint] };
    if (question === 0x0004) {
      const inClusterList = [0, 1, 3, 9, 0x0a, 0x20, 0x0101];
      return { ...common, endpoint, profileId: 260, deviceId: 10, deviceVersion: 1, inClusterList, outClusterList: [0x0a, 0x19] };
    }
    return {};
  }
}

// A Matter door lock on matter.js. Users, credentials and schedules are matter.js' own; what is added here is what a
// lock has beside its radio: a keypad, a person programming it, a bolt that jams, a battery, and faults on demand.

import { Endpoint, Environment, ServerNode, VendorId } from "@matter/main";
import { DoorLockServer } from "@matter/main/behaviors/door-lock";
import { PowerSourceServer } from "@matter/main/behaviors/power-source";
import { TimeSynchronizationServer } from "@matter/main/behaviors/time-synchronization";
import { DoorLock } from "@matter/main/clusters/door-lock";
import { PowerSource } from "@matter/main/clusters/power-source";
import { TimeSynchronization } from "@matter/main/clusters/time-synchronization";
import { DoorLockDevice } from "@matter/main/devices/door-lock";
import { Status, StatusResponseError } from "@matter/main/types";

const { AlarmCode, CredentialType, DataOperationType, LockDataType, LockOperationType, LockState, OperationError } =
  DoorLock;
const { OperationSource, UserStatus, UserType } = DoorLock;
const WRITES = ["setUser", "clearUser", "setCredential", "clearCredential", "setWeekDaySchedule"];
WRITES.push("clearWeekDaySchedule", "setYearDaySchedule", "clearYearDaySchedule");
const READS = ["getUser", "getCredentialStatus", "getWeekDaySchedule", "getYearDaySchedule"];
/** The fabric of what was made at the lock itself: matter.js stores no null. */
const NOBODY = 0;
const BOLT = ["lockDoor", "unlockDoor"];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What is wrong with a lock: each fault holds for so many commands, or until it is healed. */
class Faults {
  #all = [];
  #heal = () => {};
  #healed = Promise.resolve();

  add(fault) {
    this.#all.push(fault);
    this.#healed = new Promise((resolve) => {
      const others = this.#heal;
      this.#heal = () => (others(), resolve());
    });
  }

  heal() {
    this.#all = [];
    this.#heal();
    this.#heal = () => {};
  }

  next(command) {
    const fits = (f) => f.times > 0 && (f.on?.includes(command) ?? true) && !BOLT.includes(command);
    const fault = this.#all.find(fits);
    if (fault) fault.times -= 1;
    return fault;
  }

  /** Nothing until whoever asked has given up. matter.js carries out one command after the other. */
  async silence() {
    await this.#healed;
    throw new StatusResponseError("too late", Status.Timeout);
  }
}

/** A behavior class whose commands are counted and can be made to fail. */
function faulty(Base, faults, counts, makesUsers) {
  class Faulty extends Base {
    /** matter.js makes users with a number that its own check refuses: what an unset number is stays unset here. */
    get auth() {
      const store = super.auth;
      if (makesUsers) {
        const add = store.addUser.bind(store);
        const unset = (number) => (number === 0xffff_ffff ? null : number);
        store.addUser = (user) => add({ ...user, userUniqueId: unset(user.userUniqueId) });
      }
      return store;
    }
  }
  for (const name of [...WRITES, ...READS, ...BOLT]) {
    Faulty.prototype[name] = async function (request) {
      if (!BOLT.includes(name)) counts.requests += 1;
      const really = () => Base.prototype[name].call(this, request);
      const response = (status) =>
        name === "setCredential" ? { status, userIndex: null, nextCredentialIndex: null } : undefined;
      const fault = faults.next(name);
      switch (fault?.kind) {
        case undefined:
          return really();
        case "silent":
          return faults.silence();
        case "late":
          await really();
          return faults.silence();
        case "delay":
          await sleep(fault.ms);
          return really();
        case "drop":
          return response(0);
        case "reject":
          return response(fault.status);
        default:
          throw new Error(`no such fault: ${fault.kind}`);
      }
    };
  }
  return Faulty;
}

/** The time on the wall in `zone`, in microseconds since 1970: matter.js turns it into Matter's count. */
function wallClock(zone) {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  return BigInt(Date.parse(`${format.format(new Date()).replace(" ", "T")}Z`)) * 1000n;
}

/** A clock that tells the time. It shows that of `zone` until it is set; `stuck`: it takes no other. */
class LockClock {
  stuck = false;
  #slow = 0n;
  #rules = null;

  constructor(zone) {
    this.zone = zone;
    const clock = this;
    // matter.js has the cluster's attributes and leaves its commands to whoever makes a lock.
    this.Server = class extends TimeSynchronizationServer.with("TimeZone") {
      setUtcTime({ utcTime }) {
        clock.change(this, () => (clock.#slow = BigInt(Date.now()) * 1000n - BigInt(utcTime)));
      }
      setTimeZone({ timeZone }) {
        clock.change(this, () => (clock.#rules = { zone: timeZone, dst: [] }));
        return { dstOffsetRequired: true };
      }
      setDstOffset({ dstOffset }) {
        if (dstOffset.length > 2) throw new StatusResponseError("no room", Status.ResourceExhausted);
        clock.change(this, () => (clock.#rules.dst = dstOffset));
      }
    };
  }

  change(server, how) {
    if (this.stuck) throw new StatusResponseError("the clock is stuck", Status.Failure);
    how();
    Object.assign(server.state, this.state());
  }

  /** It was without power and shows another zone's time. */
  lose(zone) {
    [this.zone, this.#rules, this.#slow] = [zone, null, 0n];
  }

  #local(utc) {
    if (!this.#rules) return wallClock(this.zone);
    const { zone, dst } = this.#rules;
    const now = dst.find((d) => d.validStarting <= utc && (d.validUntil === null || utc < d.validUntil));
    return now ? utc + BigInt(zone[0].offset + now.offset) * 1_000_000n : null;
  }

  state() {
    const utcTime = BigInt(Date.now()) * 1000n - this.#slow;
    return {
      utcTime,
      granularity: TimeSynchronization.Granularity.MillisecondsGranularity,
      timeZone: this.#rules?.zone ?? [{ offset: 0, validAt: 946_684_800_000_000n }],
      dstOffset: this.#rules?.dst ?? [],
      localTime: this.#local(utcTime),
      timeZoneDatabase: TimeSynchronization.TimeZoneDatabase.None,
      timeZoneListMaxSize: 1,
      dstOffsetListMaxSize: 2,
    };
  }
}

/** Starts a lock. `options`: id, port, discriminator, slots, schedules (how many per user; 0: it has
 * none), zone (whose time its clock shows; absent: it has no clock), makesUsers (whether a PIN can come without its user). */
export async function startLock(options) {
  const faults = new Faults();
  const counts = { requests: 0 };
  const features = ["PinCredential", "CredentialOverTheAirAccess", "User"];
  if (options.schedules) features.push("WeekDayAccessSchedules", "YearDayAccessSchedules");
  const Lock = faulty(DoorLockServer.with(...features), faults, counts, options.makesUsers);
  const clock = options.zone && new LockClock(options.zone);
  const Root = clock ? ServerNode.RootEndpoint.with(clock.Server) : ServerNode.RootEndpoint;
  const node = await ServerNode.create(Root, {
    id: options.id,
    environment: Environment.default,
    network: { port: options.port, ble: false },
    commissioning: { passcode: 20202021, discriminator: options.discriminator },
    ...(clock ? { timeSynchronization: clock.state() } : {}),
    productDescription: { name: options.id, deviceType: DoorLockDevice.deviceType },
    basicInformation: {
      vendorName: "Test",
      vendorId: VendorId(0xfff1),
      productName: options.product,
      productLabel: options.product,
      nodeLabel: options.label,
      productId: 0x8000,
      serialNumber: options.id,
      uniqueId: options.id,
    },
  });
  const schedules = options.schedules
    ? {
        numberOfWeekDaySchedulesSupportedPerUser: options.schedules,
        numberOfYearDaySchedulesSupportedPerUser: options.schedules,
      }
    : {};
  const endpoint = new Endpoint(DoorLockDevice.with(Lock, PowerSourceServer.with("Battery")), {
    id: "lock",
    doorLock: {
      lockType: DoorLock.LockType.DeadBolt,
      lockState: LockState.Locked,
      actuatorEnabled: true,
      operatingMode: DoorLock.OperatingMode.Normal,
      numberOfTotalUsersSupported: options.slots,
      numberOfPinUsersSupported: options.slots,
      minPinCodeLength: options.pinMin ?? 4,
      maxPinCodeLength: options.pinMax ?? 8,
      numberOfCredentialsSupportedPerUser: 3,
      credentialRulesSupport: { single: true },
      ...schedules,
      requirePinForRemoteOperation: false,
      sendPinOverTheAir: false,
      wrongCodeEntryLimit: 5,
      userCodeTemporaryDisableTime: 10,
      autoRelockTime: 0,
    },
    powerSource: {
      status: PowerSource.PowerSourceStatus.Active,
      order: 0,
      description: "Battery",
      batPercentRemaining: 170,
      batChargeLevel: PowerSource.BatChargeLevel.Ok,
      batReplaceability: PowerSource.BatReplaceability.UserReplaceable,
      batReplacementNeeded: false,
    },
  });
  await node.add(endpoint);
  await node.start();
  const tick = () => node.set({ timeSynchronization: clock.state() });
  if (clock) setInterval(tick, 20_000);
  const setClock = ({ zone, stuck }) => {
    clock.stuck = stuck;
    clock.lose(zone);
    return tick();
  };
  const act = (what) => endpoint.act((agent) => what(agent.get(Lock)));
  /** Seconds that its clock shows; UTC where it has none. */
  const shows = () => Number(clock?.state().localTime ?? BigInt(Date.now()) * 1000n) / 1e6;
  return { node, endpoint, act, faults, counts, setClock, shows, code: node.state.commissioning.pairingCodes.manualPairingCode };
}

/** The slot whose PIN this is and whether it opens now, by the specification's rules for users and schedules. */
function judge(lock, pin, at) {
  const bytes = Buffer.from(pin);
  const held = lock.auth.credentials.find(
    (c) => c.credentialType === CredentialType.Pin && Buffer.from(lock.auth.decrypt(c.credentialData)).equals(bytes),
  );
  if (!held) return { error: OperationError.InvalidCredential };
  const slot = held.credentialIndex;
  const user = lock.auth.findUser(lock.auth.findUserIndexForCredential(CredentialType.Pin, slot));
  if (user?.userStatus !== UserStatus.OccupiedEnabled) return { slot, user, error: OperationError.DisabledUserDenied };
  return inHours(lock.state, user, at) ? { slot, user } : { slot, user, error: OperationError.Restricted };
}

function inHours(state, user, at) {
  const year = (state.yearDaySchedules ?? []).filter((s) => s.userIndex === user.userIndex);
  const week = (state.weekDaySchedules ?? []).filter((s) => s.userIndex === user.userIndex);
  const inYear = year.some((s) => s.localStartTime <= at && at < s.localEndTime);
  const date = new Date(at * 1000);
  const day = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"][date.getUTCDay()];
  const minute = date.getUTCHours() * 60 + date.getUTCMinutes();
  const inWeek = week.some(
    (s) => s.daysMask[day] && s.startHour * 60 + s.startMinute <= minute && minute < s.endHour * 60 + s.endMinute,
  );
  switch (user.userType) {
    case UserType.UnrestrictedUser:
      return true;
    case UserType.YearDayScheduleUser:
      return inYear;
    case UserType.WeekDayScheduleUser:
      return inWeek;
    case UserType.ScheduleRestrictedUser:
      return year.length + week.length > 0 && (!year.length || inYear) && (!week.length || inWeek);
    default:
      return false;
  }
}

const atKeypad = { operationSource: OperationSource.Keypad, fabricIndex: null, sourceNode: null };

/** Somebody types a PIN. `at`: seconds on the lock's clock, which is local time. */
export function typed(lock, { pin, at }) {
  const found = judge(lock, pin, at);
  const what = { lockOperationType: LockOperationType.Unlock, ...atKeypad };
  const credentials = found.slot
    ? [{ credentialType: CredentialType.Pin, credentialIndex: found.slot }]
    : null;
  const userIndex = found.user?.userIndex ?? null;
  if (found.error === undefined) {
    lock.state.lockState = LockState.Unlocked;
    lock.events.lockOperation.emit({ ...what, userIndex, credentials }, lock.context);
  } else {
    lock.events.lockOperationError.emit({ ...what, operationError: found.error, userIndex, credentials }, lock.context);
  }
  return { opened: found.error === undefined, slot: found.slot ?? null };
}

/** Somebody programs the lock itself: a PIN for a slot, or none to empty it. */
export function programmed(lock, { slot, pin }) {
  const told = (lockDataType, dataOperationType, userIndex, dataIndex) =>
    lock.events.lockUserChange.emit({ lockDataType, dataOperationType, userIndex, dataIndex, ...atKeypad }, lock.context);
  const there = lock.auth.findCredential(CredentialType.Pin, slot);
  if (pin === null) {
    lock.auth.removeCredential(CredentialType.Pin, slot);
    lock.auth.removeUser(slot);
    told(LockDataType.Pin, DataOperationType.Clear, slot, slot);
    told(LockDataType.UserIndex, DataOperationType.Clear, slot, null);
    return;
  }
  const data = Buffer.from(pin);
  if (there) {
    lock.auth.updateCredentialData(CredentialType.Pin, slot, data, NOBODY);
  } else {
    const user = { userIndex: slot, userName: "", userUniqueId: null, userStatus: UserStatus.OccupiedEnabled };
    const credentials = [{ credentialType: CredentialType.Pin, credentialIndex: slot }];
    const nobody = { creatorFabricIndex: NOBODY, lastModifiedFabricIndex: NOBODY };
    const rules = { userType: UserType.UnrestrictedUser, credentialRule: DoorLock.CredentialRule.Single };
    lock.auth.removeUser(slot);
    lock.auth.addUser({ ...user, ...rules, credentials, ...nobody });
    lock.auth.addCredential(CredentialType.Pin, slot, data, NOBODY);
    told(LockDataType.UserIndex, DataOperationType.Add, slot, null);
  }
  told(LockDataType.Pin, there ? DataOperationType.Modify : DataOperationType.Add, slot, slot);
}

/** Every code is deleted at the lock. */
export function wiped(lock) {
  lock.auth.removeAllCredentialsOfType(CredentialType.Pin);
  lock.auth.clearUsers();
  lock.events.lockUserChange.emit(
    {
      lockDataType: LockDataType.UserIndex,
      dataOperationType: DataOperationType.Clear,
      userIndex: 0xfffe,
      dataIndex: null,
      ...atKeypad,
    },
    lock.context,
  );
}

/** Somebody turns the key. */
export function turned(lock, { bolt }) {
  lock.state.lockState = LockState[bolt];
}

/** The bolt is stuck half-way. */
export function jammed(lock) {
  lock.state.lockState = LockState.NotFullyLocked;
  lock.events.doorLockAlarm.emit({ alarmCode: AlarmCode.LockJammed }, lock.context);
}

/** The front plate is taken off. */
export function tampered(lock) {
  lock.events.doorLockAlarm.emit({ alarmCode: AlarmCode.FrontEsceutcheonRemoved }, lock.context);
}

/** What is in it: who is locked in, whose PIN is where, and the schedules. */
export function held(lock) {
  const s = lock.state;
  const pins = Object.fromEntries(
    lock.auth.credentials
      .filter((c) => c.credentialType === CredentialType.Pin)
      .map((c) => [c.credentialIndex, Buffer.from(lock.auth.decrypt(c.credentialData)).toString()]),
  );
  const users = lock.auth.users.map((u) => ({
    user: u.userIndex,
    enabled: u.userStatus === UserStatus.OccupiedEnabled,
    type: u.userType,
    credentials: u.credentials.map((c) => c.credentialIndex),
  }));
  const { weekDaySchedules: week = [], yearDaySchedules: year = [] } = s;
  return { bolt: LockState[s.lockState], pins, users, week: [...week], year: [...year] };
}

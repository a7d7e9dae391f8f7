// What can be broken about a lock, and what is counted.
import { UserCodeCCExtendedUserCodeSet, UserCodeCCReport, UserCodeCCSet } from "@zwave-js/cc/UserCodeCC";
import { BatteryCCGet, BatteryCCReport } from "@zwave-js/cc/BatteryCC";
import { NotificationCCGet, NotificationCCReport } from "@zwave-js/cc/NotificationCC";
import { UserCredentialCCCredentialReport, UserCredentialCCCredentialSet } from "@zwave-js/cc/UserCredentialCC";
import { ScheduleEntryLockCCYearDayScheduleSet } from "@zwave-js/cc/ScheduleEntryLockCC";
import { setTimeout as sleep } from "node:timers/promises";

const text = (value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value);

// The PINs that a command would put into slots.
function written(cc) {
  if (cc instanceof UserCodeCCSet) return [cc];
  if (cc instanceof UserCodeCCExtendedUserCodeSet) return cc.userCodes;
  return [];
}

// A slot other than `user` that has the PIN.
function taken(state, user, pin) {
  for (let no = 1; no <= 250; no++) {
    if (no !== user && state.get(`UserCode_userIdStatus_${no}`) && text(state.get(`UserCode_userCode_${no}`)) === pin) return no;
  }
  return null;
}

// `lock` holds `faults`, `counted` and `notify`. Must come before zwave-js' own behaviours.
export function breaking(lock) {
  return {
    async handleCC(controller, self, cc) {
      const { faults } = lock;
      const name = cc.constructor.name;
      lock.counted[name] = (lock.counted[name] ?? 0) + 1;
      lock.save();
      lock.heard = Date.now();
      if (faults.silent) return { action: "stop" };
      const writes = written(cc);
      const credential = cc instanceof UserCredentialCCCredentialSet && cc.operationType !== 2;
      const schedule = cc instanceof ScheduleEntryLockCCYearDayScheduleSet;
      if (faults.drop && (writes.length || credential || schedule)) return { action: "ok" };
      if ((faults.fail || faults.full) && (writes.some((write) => write.userIdStatus) || credential)) return { action: "fail" };
      if (faults.fail && (writes.length || schedule)) return { action: "fail" };
      for (const { userId, userIdStatus, userCode } of writes) {
        const other = userIdStatus ? taken(self.state, userId, text(userCode)) : null;
        if (other) {
          // "New user code not added due to duplicate code", with the slot that has it.
          await lock.interject(6, 0x0f, [other]);
          return { action: "fail" };
        }
        // A real lock tells everybody, whoever changed it.
        lock.changed(userId, userIdStatus !== 0);
      }
      return undefined;
    },
  };
}

// The last word before radio security: must be pushed behind all others, for they run from the last to the first.
export function veiling(lock) {
  return {
    async transformResponse(controller, self, received, response) {
      const { cc } = response;
      if (lock.faults.delayMs) {
        lock.owed += 1;
        await sleep(lock.faults.delayMs);
        lock.owed -= 1;
      }
      if (!(lock.masks || lock.faults.mask) || response.action !== "sendCC") return response;
      if (cc instanceof UserCodeCCReport && cc.userCode?.length) cc.userCode = "*".repeat(cc.userCode.length);
      if (cc instanceof UserCredentialCCCredentialReport && cc.credentialData?.length) {
        cc.credentialReadBack = false;
        cc.credentialData = undefined;
      }
      return response;
    },
  };
}

// Questions that zwave-js' stand-in leaves unanswered: how full the battery is, and whether anything is the matter.
export const answering = {
  handleCC(controller, self, cc) {
    const nodeId = controller.ownNodeId;
    if (cc instanceof BatteryCCGet) {
      return { action: "sendCC", cc: new BatteryCCReport({ nodeId, level: self.state.get("battery") ?? 87 }) };
    }
    if (cc instanceof NotificationCCGet) {
      const idle = { notificationType: cc.notificationType, notificationStatus: 0xff, notificationEvent: 0 };
      return { action: "sendCC", cc: new NotificationCCReport({ nodeId, ...idle }) };
    }
    return undefined;
  },
};

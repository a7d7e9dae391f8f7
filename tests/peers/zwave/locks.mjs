// The locks that can be had, by node number: what each says it can do. How they behave is zwave-js' own code, except
// for what a test breaks (faults.mjs).
import { CommandClasses as CC, SecurityClass } from "@zwave-js/core";
import { ccCaps } from "@zwave-js/testing";

// Manual, radio, keypad and automatic (un)locking, jammed, codes deleted, added, refused as duplicates, keypad off.
const ACCESS = [1, 2, 3, 4, 5, 6, 9, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10];
// Cover removed, invalid code.
const SECURITY = [3, 4];
// Replace battery soon, now.
const POWER = [0x0a, 0x0b];

const common = (secure) => [
  ccCaps({ ccId: CC["Manufacturer Specific"], isSupported: true, version: 2 }),
  ccCaps({ ccId: CC.Version, isSupported: true, version: 3 }),
  ccCaps({ ccId: CC["Z-Wave Plus Info"], isSupported: true, version: 2 }),
  ccCaps({ ccId: CC.Battery, isSupported: true, version: 1, secure }),
  ccCaps({ ccId: CC["Door Lock"], isSupported: true, version: 4, secure }),
  ccCaps({
    ccId: CC.Notification, isSupported: true, version: 8, secure, supportsV1Alarm: false,
    notificationTypesAndEvents: { 6: ACCESS, 7: SECURITY, 8: POWER },
  }),
];
// An entry control device that sleeps and is woken by a beam every second.
const sleeping = { genericDeviceClass: 0x40, specificDeviceClass: 0x03, isListening: false, isFrequentListening: "1000ms" };
const supervision = ccCaps({ ccId: CC.Supervision, isSupported: true, version: 1, secure: false });

export const LOCKS = {
  // Secure, supervised, User Code version 2, can disable a user, keeps schedules.
  2: {
    name: "Front door", kind: "code",
    capabilities: {
      ...sleeping,
      securityClasses: new Set([SecurityClass.S2_AccessControl, SecurityClass.S2_Authenticated]),
      commandClasses: [
        ...common(true), ccCaps({ ccId: CC["Security 2"], isSupported: true, version: 1 }), supervision,
        ccCaps({ ccId: CC["User Code"], isSupported: true, version: 2, secure: true, numUsers: 30, supportedASCIIChars: "0123456789" }),
        ccCaps({ ccId: CC["Schedule Entry Lock"], isSupported: true, version: 3, secure: true, numWeekDaySlots: 7, numYearDaySlots: 2, numDailyRepeatingSlots: 1 }),
      ],
    },
  },
  // User Code version 1 without Supervision: all it ever says to a write is nothing. Slot 251 is its master code.
  3: {
    name: "Back door", kind: "code",
    capabilities: {
      ...sleeping,
      commandClasses: [...common(false), ccCaps({ ccId: CC["User Code"], isSupported: true, version: 1, numUsers: 251 })],
    },
  },
  // User Credential. zwave-js' stand-in sends its reports in the clear, so this lock has no security.
  4: {
    name: "Side door", kind: "credential",
    capabilities: {
      ...sleeping,
      commandClasses: [...common(false), supervision, ccCaps({ ccId: CC["User Credential"], isSupported: true, version: 1, numberOfSupportedUsers: 20 })],
    },
  },
  // User Code version 1 that shows `******` for every PIN.
  5: {
    name: "Cellar", kind: "code", masks: true,
    capabilities: {
      ...sleeping,
      commandClasses: [...common(false), ccCaps({ ccId: CC["User Code"], isSupported: true, version: 1, numUsers: 20 })],
    },
  },
  // A Schlage BE469ZP: zwave-js knows the model, takes Supervision away from it, and one parameter sets the length of all PINs.
  6: {
    name: "Gate", kind: "code",
    capabilities: {
      ...sleeping, manufacturerId: 0x003b, productType: 0x0001, productId: 0x0469, firmwareVersion: "10.10",
      commandClasses: [
        ...common(false), supervision,
        ccCaps({ ccId: CC["User Code"], isSupported: true, version: 1, numUsers: 30 }),
        ccCaps({
          ccId: CC.Configuration, isSupported: true, version: 1,
          // All that zwave-js asks this model for; number 16 is the length.
          parameters: Array.from({ length: 16 }, (_, i) => i + 3).map((no) => ({
            "#": no, valueSize: no === 6 || no === 17 ? 4 : 1, format: 0, defaultValue: no === 16 ? 6 : 0,
          })),
        }),
      ],
    },
  },
  // No lock at all.
  9: {
    name: "Lamp", kind: "none",
    capabilities: {
      isListening: true,
      commandClasses: [
        ccCaps({ ccId: CC["Manufacturer Specific"], isSupported: true, version: 2 }),
        ccCaps({ ccId: CC.Version, isSupported: true, version: 3 }),
        ccCaps({ ccId: CC["Binary Switch"], isSupported: true, version: 2 }),
      ],
    },
  },
};

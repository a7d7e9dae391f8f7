// Preloaded into zigbee2mqtt: takes the place of its radio adapter, and of nothing else. The locks live in the process
// that started it, so that they outlast a restart of zigbee2mqtt, as locks do; frames go there and back as bytes.

const path = require("node:path");
const herdsman = path.dirname(require.resolve("zigbee-herdsman"));
const { Adapter } = require(path.join(herdsman, "adapter/adapter.js"));
const Zcl = require(path.join(herdsman, "zspec/zcl"));

const COORDINATOR = "0x00124b0000000001";
const waiting = new Map();
let next = 1;

/** Asks the process with the locks. */
function ask(question) {
  const id = next++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    process.send({ id, ...question });
  });
}

class Radio extends Adapter {
  async start() {
    process.on("message", (message) => this.told(message));
    return "resumed";
  }

  told({ id, error, answer, event, data }) {
    if (event === "frame") return this.emit("zclPayload", payload(data));
    if (event) return this.emit(event, data);
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error) asked?.reject(new Error(error));
    else asked?.resolve(answer);
  }

  async sendZclFrameToEndpoint(ieee, address, endpoint, frame, timeout, disableResponse) {
    const answer = ask({ frame: frame.toBuffer().toString("hex"), cluster: frame.cluster.ID, ieee, endpoint });
    const silence = new Promise((_, reject) => {
      setTimeout(() => reject(new Error(`Timeout - ${address} - ${endpoint}`)), timeout).unref();
    });
    const answered = answer.then((bytes) => {
      if (!bytes) return undefined;
      // Also what comes too late for the one who asked is heard.
      const heard = payload(bytes);
      setImmediate(() => this.emit("zclPayload", heard));
      return heard;
    });
    const heard = await Promise.race([answered, silence]);
    return disableResponse ? undefined : heard;
  }

  async sendZdo(ieee, address, cluster) {
    if (address === 0) return [0, COORDINATOR_ANSWERS[cluster] ?? {}];
    return [0, await ask({ zdo: cluster, ieee, address })];
  }

  async stop() {}
  async reset() {}
  async getCoordinatorIEEE() {
    return COORDINATOR;
  }
  async getCoordinatorVersion() {
    return { type: "stand-in", meta: { revision: "1" } };
  }
  async getNetworkParameters() {
    return { panID: 6754, extendedPanID: "0xdddddddddddddddd", channel: 11, nwkUpdateID: 0 };
  }
  async supportsBackup() {
    return false;
  }
  async permitJoin() {}
  async addInstallCode() {}
  waitFor() {
    return { promise: new Promise(() => {}), cancel() {} };
  }
  async sendZclFrameToGroup() {}
  async sendZclFrameToAll() {}
}

const COORDINATOR_ANSWERS = {
  // Node descriptor, active endpoints, simple descriptor.
  0x0002: { nwkAddress: 0, logicalType: 0, manufacturerCode: 0, capabilities: {}, serverMask: { stackComplianceRevision: 22 } },
  0x0005: { nwkAddress: 0, endpointList: [1] },
  0x0004: { nwkAddress: 0, endpoint: 1, profileId: 260, deviceId: 5, deviceVersion: 1, inClusterList: [], outClusterList: [] },
};

/** What an adapter hands up when it hears a frame. */
function payload({ address, endpoint, cluster, bytes, linkquality }) {
  const data = Buffer.from(bytes, "hex");
  const header = Zcl.Header.fromBuffer(data);
  return { clusterID: cluster, header, address, data, endpoint, linkquality, groupID: 0, wasBroadcast: false, destinationEndpoint: 1 };
}

Adapter.create = async (...settings) => new Radio(...settings);

/** Where a device of Skein speaks and listens (docs/mqtt.md of Skein). */
import type { MessageKind } from '../storage/spool-record.ts';

export type Topics = {
  readonly up: Readonly<Record<MessageKind, string>>;
  readonly askTwin: string;
  readonly commands: string;
  readonly desired: string;
  readonly twin: string;
};

export const topicsOf = (deviceId: string): Topics => ({
  up: {
    telemetry: `devices/${deviceId}/telemetry`,
    report: `devices/${deviceId}/state`,
    event: `devices/${deviceId}/events`,
    ack: `devices/${deviceId}/commands/ack`,
  },
  askTwin: `devices/${deviceId}/state/get`,
  commands: `devices/${deviceId}/commands`,
  desired: `devices/${deviceId}/state/desired`,
  twin: `devices/${deviceId}/state/get/response`,
});

/** What happened to devices, for whoever has to hear of all of it: written in the same transaction as what it tells of. */
import type { CommandMode, CommandState } from './commands.ts';
import type { JsonObject } from './json.ts';

export type DeviceEvent =
  | {
      readonly kind: 'device.status';
      readonly atMs: number;
      /** `reason`: why it is offline; null when it is online. */
      readonly data: {
        readonly status: 'online' | 'offline';
        readonly session: number;
        readonly reason: string | null;
      };
    }
  | {
      readonly kind: 'device.update';
      readonly atMs: number;
      /** A change of the twin: which document, the version that it has now, and the merge patch that brought it there. */
      readonly data: {
        readonly document: 'reported' | 'desired';
        readonly version: number;
        readonly patch: JsonObject;
      };
    }
  | {
      readonly kind: 'device.command';
      readonly atMs: number;
      /** One for each transition. */
      readonly data: {
        readonly id: string;
        readonly command: string;
        readonly mode: CommandMode;
        readonly state: CommandState;
        readonly attempt: number;
        readonly reason: string | null;
      };
    };
export type DeviceEventKind = DeviceEvent['kind'];
export const DEVICE_EVENT_KINDS = [
  'device.status',
  'device.update',
  'device.command',
] as const satisfies readonly DeviceEventKind[];

/** What is made of the answers of actions. */
import type { DeviceView } from '../../contracts/devices.contract.ts';
import type { Condition } from '../../contracts/health.contract.ts';
import type { TwinView } from '../../contracts/twins.contract.ts';
import type { Reply } from './endpoint.ts';

export const plain = (body: unknown): Reply => ({ status: 200, body });
export const accepted = (body: unknown): Reply => ({ status: 202, body });

const etag = (device: DeviceView): string => `"${device.version}"`;

export const versioned = (device: DeviceView): Reply => ({
  status: 200,
  headers: { ETag: etag(device) },
  body: device,
});

/** Both versions, the desired one first: a tag that stayed the same while the device reports would hide that from caches. */
export const versionedTwin = (twin: TwinView): Reply => ({
  status: 200,
  headers: { ETag: `"${twin.desiredVersion}-${twin.reportedVersion}"` },
  body: twin,
});

export const created = (body: { device: DeviceView }): Reply => ({
  status: 201,
  // The body has a key in it.
  headers: { ETag: etag(body.device), Location: `/api/v1/devices/${body.device.id}`, 'Cache-Control': 'no-store' },
  body,
});

/** For everybody: the condition, and nothing of the inside. */
export const condition = (system: { condition: Condition }): Reply => ({
  status: system.condition === 'unhealthy' ? 503 : 200,
  body: { status: system.condition },
});

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
export const prometheusText = (body: string): Reply => ({
  status: 200,
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  body,
});

export const readiness = (body: { ready: boolean }): Reply => ({ status: body.ready ? 200 : 503, body });

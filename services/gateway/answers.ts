/** What is made of the answers of actions. */
import type { DeviceView } from '../../contracts/devices.contract.ts';
import type { Condition } from '../../contracts/health.contract.ts';
import type { TwinView } from '../../contracts/twins.contract.ts';
import type { Reply } from './endpoint.ts';

export const plain = (body: unknown): Reply => ({ status: 200, body });
export const accepted = (body: unknown): Reply => ({ status: 202, body });

type Versioned = { readonly version: number | null };
/** What nobody can change, like a built-in role, has no version, and no tag. */
export const tag = ({ version }: Versioned): { ETag?: string } => (version === null ? {} : { ETag: `"${version}"` });

export const versioned = (body: Versioned): Reply => ({ status: 200, headers: tag(body), body });

/** Of a PUT: what is below its name in `path` was made, or was there. */
export const written = (isNew: boolean, path: string, body: Versioned & { readonly name: string }): Reply => ({
  status: isNew ? 201 : 200,
  headers: { ...tag(body), ...(isNew && { Location: `/api/v1/${path}/${encodeURIComponent(body.name)}` }) },
  body,
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
  headers: { ...tag(body.device), Location: `/api/v1/devices/${body.device.id}`, 'Cache-Control': 'no-store' },
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

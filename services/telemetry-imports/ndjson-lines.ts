/** A line of NDJSON: an item as `POST /telemetry` takes it, or one value with its measurement, as exports have it. */
import { readings } from '../../actors/device/readings.ts';
import { isJsonObject, type JsonObject } from '../../contracts/json.ts';
import type { Decoded } from '../../mixins/record-cutter.ts';
import { deviceIdOf, readingOf } from '../../mixins/telemetry-items.ts';
import type { Content, Reckoning } from './lines.ts';
import { contentOf, NO_DEVICE } from './readings.ts';

export const ndjsonDecoder =
  (reckoning: Reckoning): ((text: string) => Decoded<Content>) =>
  text => {
    let item: unknown;
    try {
      item = JSON.parse(text);
    } catch {
      return { fault: 'It is not JSON' };
    }
    return isJsonObject(item) ? { record: itemContent(item, reckoning) } : { fault: 'It is no JSON object' };
  };

function itemContent(item: JsonObject, reckoning: Reckoning): Content {
  const { device: own, ...rest } = item;
  const device = deviceIdOf(item, typeof own === 'string' ? own : undefined);
  if (device === '') return NO_DEVICE;
  const { measurement, value, quality, unit } = item;
  if (typeof measurement === 'string' && value !== undefined && item.values === undefined)
    return contentOf({ device, measurement, time: item.timestamp ?? item.ts, value, quality, unit }, reckoning);
  const named = item.deviceId === undefined && item.device_id === undefined ? rest : item;
  const said = readings(readingOf(named), reckoning.nowMs, reckoning.limits);
  return 'reason' in said ? { device, refusal: said } : { device, readings: said };
}

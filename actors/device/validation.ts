/** Datapoints held against what the type of their device says, before any of them is taken note of. */
import type { Datapoint } from '../../contracts/store.ts';
import type { Refusal } from '../../contracts/uplinks.ts';
import {
  type Finding,
  FLAGS,
  type MeasurementRule,
  REASON_OF,
  type Treatment,
  type ValidationRules,
} from '../../contracts/validation.ts';
import { unitOf } from './reading-about.ts';
import type { Reading } from './readings.ts';

type Unjudged = Datapoint & { flags: number };
/** The flags of what does not fit; a refusal when that is not stored. */
type Verdict = number | Refusal;

/** Judges the datapoints of one reading: those from this place on. The first one that its type refuses is answered. */
export function judge(
  { tsUs, about }: Reading,
  datapoints: readonly Unjudged[],
  from: number,
  rules: ValidationRules,
  receivedAtMs: number,
): Refusal | undefined {
  // A reading without a time gets that of the server.
  const ofTime = tsUs === null ? 0 : timeVerdict(tsUs, receivedAtMs, rules);
  if (typeof ofTime === 'object') return ofTime;
  for (let i = from; i < datapoints.length; i++) {
    const datapoint = datapoints[i]!;
    const rule = rules.measurements.get(datapoint.measurement);
    const ofValue = rule === undefined ? unknown(datapoint, rules) : valueVerdict(datapoint, rule, rules);
    if (typeof ofValue === 'object') return ofValue;
    const ofUnit =
      rule === undefined || about === null
        ? 0
        : unitVerdict(datapoint.measurement, unitOf(about, datapoint.measurement), rule, rules);
    if (typeof ofUnit === 'object') return ofUnit;
    datapoint.flags = ofTime | ofValue | ofUnit;
  }
  return undefined;
}

function timeVerdict(tsUs: number, receivedAtMs: number, rules: ValidationRules): Verdict {
  const aheadSeconds = tsUs / 1_000_000 - receivedAtMs / 1_000;
  const { tooOldSeconds, tooFarAheadSeconds } = rules;
  if (-aheadSeconds > tooOldSeconds)
    return verdict('tooOld', rules.tooOld, () => `${show(tsUs)} is more than ${tooOldSeconds} seconds ago`);
  if (aheadSeconds > tooFarAheadSeconds)
    return verdict(
      'tooFarAhead',
      rules.tooFarAhead,
      () => `${show(tsUs)} is more than ${tooFarAheadSeconds} seconds ahead of the server`,
    );
  return 0;
}

const unknown = ({ measurement }: Datapoint, { unknownMeasurement }: ValidationRules): Verdict =>
  verdict('unknownMeasurement', unknownMeasurement, () => `The type of the device has no "${measurement}"`);

function valueVerdict(datapoint: Datapoint, rule: MeasurementRule, rules: ValidationRules): Verdict {
  const { measurement, value } = datapoint;
  const kind = kindOf(datapoint);
  if (kind !== rule.type)
    return verdict('wrongType', rules.wrongType, () => `"${measurement}" is a ${kind}, and should be a ${rule.type}`);
  if (kind !== 'number') return 0;
  if (value! < rule.min)
    return verdict('outOfRange', rule.outOfRange, () => `"${measurement}" is ${value}, less than ${rule.min}`);
  if (value! > rule.max)
    return verdict('outOfRange', rule.outOfRange, () => `"${measurement}" is ${value}, more than ${rule.max}`);
  return 0;
}

/** A list counts as an object: both are JSON that is no single value. */
function kindOf({ value, json }: Datapoint): MeasurementRule['type'] {
  if (json === null) return 'number';
  if (value !== null) return 'boolean';
  return json.startsWith('"') ? 'string' : 'object';
}

/** A type that says no unit takes any, and so does one whose device says none. */
function unitVerdict(measurement: string, unit: string | null, rule: MeasurementRule, rules: ValidationRules): Verdict {
  if (unit === null || rule.unit === null || unit === rule.unit) return 0;
  return verdict(
    'wrongUnit',
    rules.wrongUnit,
    () => `"${measurement}" has the unit ${JSON.stringify(unit.slice(0, 60))}, and should have "${rule.unit}"`,
  );
}

/** The detail is only made for a dead letter: what is flagged comes often. */
function verdict(finding: Finding, treatment: Treatment, detail: () => string): Verdict {
  if (treatment === 'keep') return 0;
  return treatment === 'flag' ? FLAGS[finding] : { reason: REASON_OF[finding], detail: detail() };
}

const show = (us: number): string => new Date(us / 1_000).toISOString();

/** What a policy may say. Nothing is looked at alone: a file that is dropped before it is made helps nobody. */
import { SkeinError } from '../../contracts/errors.ts';
import type { Limits } from '../../contracts/limits.ts';
import { checkText } from '../../mixins/bounded-json.ts';

type Said<T> = T | null | undefined;
export type PolicyFields = {
  readonly description?: Said<string>;
  readonly deviceType?: Said<string>;
  readonly measurement?: Said<string>;
  readonly archiveAfterDays?: Said<number>;
  readonly dropAfterDays?: Said<number>;
  readonly rollupsKeepDays?: Said<number>;
};

const DAYS = ['archiveAfterDays', 'dropAfterDays', 'rollupsKeepDays'] as const;

/** All of them, null for what is not said. Rejects with `invalid_request`. */
export function policyFields(said: PolicyFields, { storagePolicyMinDays }: Limits) {
  const { description = null, deviceType = null, measurement = null } = said;
  const { archiveAfterDays = null, dropAfterDays = null, rollupsKeepDays = null } = said;
  for (const [name, text] of Object.entries({ description, deviceType, measurement })) {
    if (text !== null) checkText(name, text);
    if (text === '' && name !== 'description') throw refused(`${name} must not be empty: leave it out for all`);
  }
  for (const name of DAYS)
    if ((said[name] ?? storagePolicyMinDays) < storagePolicyMinDays)
      throw refused(`${name} must be at least ${storagePolicyMinDays}`);
  if (archiveAfterDays !== null && dropAfterDays !== null && dropAfterDays <= archiveAfterDays)
    throw refused('dropAfterDays must be more than archiveAfterDays');
  // Archived readings are still asked for by the hour and by the day, and those answers are made of rollups.
  if (rollupsKeepDays !== null && (dropAfterDays === null || rollupsKeepDays < dropAfterDays))
    throw refused('rollupsKeepDays needs dropAfterDays, and must not be less');
  return { description, deviceType, measurement, archiveAfterDays, dropAfterDays, rollupsKeepDays };
}

const refused = (detail: string): SkeinError => new SkeinError('invalid_request', detail);

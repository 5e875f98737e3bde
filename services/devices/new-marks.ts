/** What a change puts on a device that roles may be limited to. */
import type { DeviceFields, DeviceView } from '../../contracts/devices.contract.ts';

export const newMarks = (
  before: Pick<DeviceView, 'tags' | 'type'>,
  { tags = [], type }: Pick<DeviceFields, 'tags' | 'type'>,
): { readonly tags: readonly string[]; readonly types: readonly string[] } => ({
  tags: tags.filter(it => !before.tags.includes(it)),
  types: typeof type === 'string' && type !== before.type ? [type] : [],
});

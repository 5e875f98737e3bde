/** Databases that are made once for a run of many test files, and copied by them. A test file that runs alone makes its own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** `postgres`: as initdb leaves it. The others have our schema. */
export const TEMPLATES = ['pglite', 'postgres', 'postgres-with-schema'] as const;
export type Template = (typeof TEMPLATES)[number];

/** Names the folder of the templates. No setting of Skein: processes of it would refuse to start. */
const FOLDER = 'TEST_DATABASE_TEMPLATES';

export function announceTemplates(folder: string): void {
  process.env[FOLDER] = folder;
}

/** Puts a copy at `path`, where nothing may be yet, for the same account. Resolves to false when there are no templates. */
export async function copyTemplate(template: Template, path: string): Promise<boolean> {
  const folder = process.env[FOLDER];
  if (folder === undefined) return false;
  await promisify(execFile)('cp', ['-a', join(folder, template), path]);
  return true;
}

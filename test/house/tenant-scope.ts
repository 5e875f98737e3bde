/** Statements about what belongs to a tenant, and whether they name one. */

/** The tables with a column `tenant_id`, as migrations make them. */
export function tenantTables(migrations: readonly string[]): Set<string> {
  const tables = new Set<string>();
  for (const sql of migrations)
    for (const [, name, columns] of sql.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?(\w+) \(([\s\S]*?)\n\)/g))
      if (/^\s*tenant_id\b/m.test(columns!)) tables.add(name!);
  return tables;
}

export type Statement = { readonly file: string; readonly line: number; readonly table: string };

const LITERAL = /`(?:[^`\\]|\\[\s\S])*`|'(?:[^'\\\n]|\\.)*'/g;
const NAMED = /\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)\b/g;
/** A tenant is named by its number, or by its name. */
const TENANT = /\btenant_id\b|\bslug\b/;
/** Keys that no caller ever says: whoever has one found its row by a tenant before, or by a credential. */
const ROW_KEY =
  /\b(device_uid|command_id|job_id|import_id|batch_id|user_id|login_id|authority_id|export_id|schedule_id)\s*=/;

/** Statements in the texts of a source file that are about such a table and name neither a tenant nor a row that was found by one. */
export function unscoped(file: string, source: string, tables: ReadonlySet<string>): Statement[] {
  const found: Statement[] = [];
  const code = source.replace(/^\s*\*.*$|\/\/.*$/gm, line => ' '.repeat(line.length));
  for (const { 0: text, index } of code.matchAll(LITERAL)) {
    if (TENANT.test(text) || ROW_KEY.test(text)) continue;
    const table = [...text.matchAll(NAMED)].map(it => it[1]!).find(it => tables.has(it));
    if (table !== undefined) found.push({ file, line: code.slice(0, index).split('\n').length, table });
  }
  return found;
}

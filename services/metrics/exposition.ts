/** Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/ */

export type Sample = {
  readonly name: string;
  /** Absent: not said, which Prometheus takes as `untyped`. */
  readonly type?: 'counter' | 'gauge';
  readonly help?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
};

/** Samples of one name stand together below one head, as the format demands. */
export function exposition(samples: readonly Sample[]): string {
  const names = Map.groupBy(samples, sample => sample.name);
  return [...names]
    .map(([name, all]) => [...head(name, all[0]!), ...all.map(line)].join('\n'))
    .join('\n')
    .concat('\n');
}

function head(name: string, { type, help }: Sample): string[] {
  return [
    ...(help === undefined ? [] : [`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`]),
    ...(type === undefined ? [] : [`# TYPE ${name} ${type}`]),
  ];
}

function line({ name, labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

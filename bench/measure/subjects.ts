/** What is measured and what it is measured against, behind the same few functions. */
import type { ServerProcess } from '../../test/support/server-process.ts';
import type { LoadDevice } from '../load/load.ts';
import { bareSubject } from './bare-subject.ts';
import { type RealSubject, realSubject } from './real-subject.ts';
import type { Connection, Ids, Place } from './stored.ts';
import { type Databases, makeHome } from './subject-home.ts';

export type { Databases };
export const SUBJECTS = ['bare', 'real'] as const;
export type SubjectName = (typeof SUBJECTS)[number];
export type Engine = Place['engine'];

export type Running = ServerProcess & { readonly mqttPort: number };
export type StartOptions = {
  /** 0: a free one. */
  readonly mqttPort?: number;
  readonly nodeArguments?: readonly string[];
  readonly spawned?: (process: ServerProcess) => void;
};

/** A system on its own data. Between `start`s, however they ended, the data stays. */
export interface Subject {
  readonly name: SubjectName;
  readonly engine: Engine;
  start(options?: StartOptions): Promise<Running>;
  /** Makes devices d1 to d<count> known; needs the process that `start` gave last. */
  register(count: number): Promise<LoadDevice[]>;
  /** The same for many, past the system: it must have been started once, and on PGlite its process must have ended. */
  seed(count: number): Promise<LoadDevice[]>;
  /** Opens the data past the system. On PGlite its process must have ended. */
  open(): Promise<{ connection: Connection; ids: Ids }>;
  /** Removes the data; the process must have ended. */
  remove(): Promise<void>;
}

/** @param databases undefined: PGlite */
export const makeBare = async (databases: Databases | undefined): Promise<Subject> =>
  bareSubject(await makeHome('bare', databases));

/** @param databases undefined: PGlite @param env its settings */
export const makeReal = async (
  databases: Databases | undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<RealSubject> => realSubject(await makeHome('real', databases), env);

/** The settings are for the real system; `bare` has none. */
export const makeSubject = (
  name: SubjectName,
  databases: Databases | undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<Subject> => (name === 'bare' ? makeBare(databases) : makeReal(databases, env));

// The SDK, as far as it is used here: a client of the caller's may come from another copy of it.

/** Opaque: the state of a document. */
export type Cas = unknown

interface Timed {
  readonly timeout?: number
}

interface Written extends Timed {
  readonly expiry?: Date | 0
  readonly cas?: Cas
  readonly durabilityLevel?: number
  readonly transcoder?: unknown
}

type Result = Promise<{ readonly cas: Cas }>

export interface ScanResult {
  readonly id: string
  readonly content?: Uint8Array
}

/** A stream of results, that is also a promise. */
export interface ScanStream extends PromiseLike<unknown> {
  on(event: 'result', listener: (result: ScanResult) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  cancelStreaming(): void
}

/** A collection of the couchbase SDK 4. */
export interface CouchbaseCollection {
  readonly name: string
  readonly scope: { readonly name: string; readonly bucket: { readonly name: string; readonly cluster: CouchbaseCluster } }
  // The SDK's own types of options are wider than what we pass.
  get(key: string, options: Timed & { transcoder: unknown }): Promise<{ readonly content: Uint8Array; readonly cas: Cas }>
  upsert(key: string, value: unknown, options: Written): Result
  insert(key: string, value: unknown, options: Written): Result
  replace(key: string, value: unknown, options: Written): Result
  remove(key: string, options: Written): Result
  mutateIn(key: string, specs: unknown[], options: Written): Result
  lookupIn(
    key: string,
    specs: unknown[],
    options: Timed,
  ): Promise<{ readonly content: readonly { value?: unknown; error?: unknown }[] }>
  scan(type: unknown, options: Timed & { transcoder: unknown; idsOnly?: boolean }): unknown
}

/** A cluster of the couchbase SDK 4. */
export interface CouchbaseCluster {
  bucket(name: string): { scope(name: string): { collection(name: string): CouchbaseCollection } }
  query(statement: string, options: Timed & { parameters: unknown[] }): PromiseLike<{ readonly rows: unknown[] }>
  close(): Promise<void>
}

/** What of the SDK's module is used, beside connecting. */
export interface Sdk {
  readonly MutateInSpec: { replace(path: string, value: unknown): unknown }
  readonly LookupInSpec: { get(path: unknown): unknown }
  readonly LookupInMacro: { readonly Expiry: unknown }
  readonly PrefixScan: new (prefix: string) => unknown
}

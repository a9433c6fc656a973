// The SDK, as far as it is used here: a client of the caller's may come from another copy of it.

/** Opaque: the state of a document. */
export type Cas = unknown

interface Timed {
  readonly timeout?: number
}

// Options are as optional and as wide as the SDK's own, of whose types they must be.
interface WriteOptions extends Timed {
  readonly expiry?: Date | number
  readonly cas?: Cas
  readonly durabilityLevel?: number
  readonly transcoder?: unknown
}

/** Opaque: which change of which partition a write was. */
export interface MutationToken {
  toJSON(): unknown
}

/** What is said of a write. */
export interface Written {
  readonly cas: Cas
  readonly token?: MutationToken | undefined
}

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
  get(
    key: string,
    options?: Timed & { readonly transcoder?: unknown },
  ): Promise<{ readonly content: Uint8Array; readonly cas: Cas }>
  upsert(key: string, value: unknown, options?: WriteOptions): Promise<Written>
  insert(key: string, value: unknown, options?: WriteOptions): Promise<Written>
  replace(key: string, value: unknown, options?: WriteOptions): Promise<Written>
  remove(key: string, options?: WriteOptions): Promise<Written>
  mutateIn(key: string, specs: unknown[], options?: WriteOptions): Promise<Written>
  lookupIn(
    key: string,
    specs: unknown[],
    options?: Timed,
  ): Promise<{ readonly content: readonly { value?: unknown; error?: unknown }[] }>
  scan(
    type: unknown,
    options?: Timed & { readonly transcoder?: unknown; readonly idsOnly?: boolean; readonly consistentWith?: unknown },
  ): unknown
}

/** A cluster of the couchbase SDK 4. */
export interface CouchbaseCluster {
  bucket(name: string): { scope(name: string): { collection(name: string): CouchbaseCollection } }
  query(
    statement: string,
    options?: Timed & { readonly parameters?: unknown; readonly scanConsistency?: unknown },
  ): PromiseLike<{ readonly rows: unknown[] }>
  close(): Promise<void>
}

/** What of the SDK's module is used, beside connecting. */
export interface Sdk {
  readonly MutateInSpec: { replace(path: string, value: unknown): unknown }
  readonly LookupInSpec: { get(path: unknown): unknown }
  readonly LookupInMacro: { readonly Expiry: unknown }
  readonly PrefixScan: new (prefix: string) => unknown
  readonly MutationState: new (...tokens: MutationToken[]) => unknown
  readonly QueryScanConsistency: { readonly RequestPlus: unknown }
}

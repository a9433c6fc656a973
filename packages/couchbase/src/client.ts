/** What is used of the SDK, as structural types: a client that was handed in may come from another copy of it. */

/** Opaque: the state of a document. */
export type Cas = unknown

interface Timed {
  readonly timeout?: number
}

/** As optional and as wide as the SDK's own options, of whose types these must be. */
interface WriteOptions extends Timed {
  readonly expiry?: Date | number
  readonly cas?: Cas
  readonly durabilityLevel?: number
  readonly transcoder?: unknown
}

/** What a write returns. */
interface WriteResult {
  readonly cas: Cas
}

/** A collection of the couchbase SDK 4. */
export interface CouchbaseCollection {
  readonly name: string
  readonly scope: { readonly name: string; readonly bucket: { readonly name: string; readonly cluster: CouchbaseCluster } }
  get(
    key: string,
    options?: Timed & { readonly transcoder?: unknown },
  ): Promise<{ readonly content: Uint8Array; readonly cas: Cas }>
  upsert(key: string, value: unknown, options?: WriteOptions): Promise<WriteResult>
  insert(key: string, value: unknown, options?: WriteOptions): Promise<WriteResult>
  replace(key: string, value: unknown, options?: WriteOptions): Promise<WriteResult>
  remove(key: string, options?: WriteOptions): Promise<WriteResult>
  mutateIn(key: string, specs: unknown[], options?: WriteOptions): Promise<WriteResult>
  lookupIn(
    key: string,
    specs: unknown[],
    options?: Timed,
  ): Promise<{ readonly content: readonly { value?: unknown; error?: unknown }[] }>
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

/** What is used of the SDK's module, beside connecting. */
export interface Sdk {
  readonly MutateInSpec: { replace(path: string, value: unknown): unknown }
  readonly LookupInSpec: { get(path: unknown): unknown }
  readonly LookupInMacro: { readonly Expiry: unknown }
  readonly QueryScanConsistency: { readonly RequestPlus: unknown }
}

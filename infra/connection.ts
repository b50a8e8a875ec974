import type { Input } from '@pulumi/pulumi';

/**
 * How the runtime reaches a store: plain environment variables, variables whose values are in a Kubernetes secret, and
 * the pods and ports a network policy has to let it reach.
 */
export interface Connection {
  readonly env: Readonly<Record<string, Input<string>>>;
  readonly secretEnv: Readonly<Record<string, SecretKey>>;
  readonly reaches: readonly Destination[];
}

export interface SecretKey {
  /** Name of the secret, in the namespace of the experiment. */
  readonly secret: Input<string>;
  readonly key: string;
}

/** Pods that are talked to. */
export interface Destination {
  readonly podLabels: Readonly<Record<string, string>>;
  readonly ports: readonly number[];
}

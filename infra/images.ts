import type { Input } from '@pulumi/pulumi';

/** Every image of a deployment, by digest: `registry/name@sha256:…` or `registry/name:tag@sha256:…`. */
export interface Images {
  /** All roles of the runtime. */
  readonly runtime: Input<string>;
  readonly redis: Input<string>;
  readonly postgres: Input<string>;
  readonly postgresOperator: Input<string>;
  readonly influxdb: Input<string>;
  readonly elasticsearch: Input<string>;
}

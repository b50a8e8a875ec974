import { Image } from '@pulumi/docker-build/image.js';
import { ComponentResource, interpolate, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { machineType } from '../runtime/spec/machines.js';

export interface RuntimeImageArgs {
  /** Repository it is pushed to: `ImageRegistry.repository`, or `image.repository` of the deployment. */
  readonly repository: Input<string>;
  /** Folder with the Dockerfile, as seen from the Pulumi program. Default: the repository's root. */
  readonly context?: string;
  /** Machine types it has to run on. */
  readonly machineTypes: readonly string[];
  /** For people: the deployment goes by digest. Default: `latest`. */
  readonly tag?: string;
}

/** The image of all roles, built and pushed by `pulumi up` with the local Docker (BuildKit); previews build nothing. */
export class RuntimeImage extends ComponentResource {
  /** `repository/runtime:tag@sha256:…` */
  readonly reference: Output<string>;

  constructor(name: string, args: RuntimeImageArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:RuntimeImage', name, {}, opts);
    const context = args.context ?? '..';

    const image = new Image(
      name,
      {
        context: { location: context },
        dockerfile: { location: `${context}/Dockerfile` },
        platforms: platforms(args.machineTypes),
        tags: [interpolate`${args.repository}/runtime:${args.tag ?? 'latest'}`],
        push: true,
        // A preview is quick, touches nothing and needs no Docker.
        buildOnPreview: false,
      },
      { parent: this },
    );

    this.reference = image.ref;
    this.registerOutputs({ reference: this.reference });
  }
}

/** What to build for; a machine type that is not known is taken for the usual architecture. */
function platforms(machineTypes: readonly string[]): ('linux/amd64' | 'linux/arm64')[] {
  const architectures = new Set(machineTypes.map((name) => machineType(name)?.architecture ?? 'amd64'));
  return [...architectures].sort().map((architecture) => `linux/${architecture}` as const);
}

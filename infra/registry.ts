import { Repository } from '@pulumi/gcp/artifactregistry/repository.js';
import { RepositoryIamMember } from '@pulumi/gcp/artifactregistry/repositoryIamMember.js';
import { ComponentResource, interpolate, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';

export interface ImageRegistryArgs {
  /** Google Cloud project id. */
  readonly project: string;
  readonly region: string;
  /** Phase of the stack: keeps the repositories of stacks in one project apart. */
  readonly phase: number;
  /** E-mail of the account the nodes pull with (`GkeCluster.nodeAccount`). */
  readonly nodeAccount: Input<string>;
  /** Labels of every resource. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Where the image of the runtime is pushed to; nobody but the nodes is given leave to read it. Goes with the stack. */
export class ImageRegistry extends ComponentResource {
  /** `REGION-docker.pkg.dev/PROJECT/REPOSITORY` */
  readonly repository: Output<string>;

  constructor(name: string, args: ImageRegistryArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:ImageRegistry', name, {}, opts);
    const { project, region } = args;

    const repository = new Repository(
      name,
      {
        project,
        location: region,
        repositoryId: `agent-experiment-phase${args.phase}`,
        format: 'DOCKER',
        description: `Images of the experiment’s runtime, phase ${args.phase}`,
        labels: args.labels,
      },
      { parent: this },
    );

    new RepositoryIamMember(
      name,
      {
        project,
        location: region,
        repository: repository.name,
        role: 'roles/artifactregistry.reader',
        member: interpolate`serviceAccount:${args.nodeAccount}`,
      },
      { parent: this },
    );

    this.repository = interpolate`${region}-docker.pkg.dev/${project}/${repository.repositoryId}`;
    this.registerOutputs({ repository: this.repository });
  }
}

import type { ResourceValidationPolicy } from '@pulumi/policy';
import { textAt } from './known.js';
import { containersOf, podTemplateOf, postgresPods } from './pods.js';

const BY_DIGEST = /@sha256:[0-9a-f]{64}$/;

/** Images are named by digest: what was tested is what runs, on every node and after every restart. */
export const imagesByDigest: ResourceValidationPolicy = {
  name: 'images-by-digest',
  description: 'Every container image is named by its digest.',
  validateResource: (resource, report) => {
    const refuse = (title: string, image: string): void =>
      report(
        `${title} names its image by tag (${image}), and a tag can change under it: write ` +
          `${image.replace(/@.*$/, '')}@sha256:… with the digest of the image (docker buildx imagetools inspect).`,
      );
    const template = podTemplateOf(resource);
    const containers = template === undefined ? [] : containersOf(template);
    for (const { title, props } of containers) {
      const image = textAt(props, 'image');
      if (image !== undefined && !BY_DIGEST.test(image)) refuse(title, image);
    }
    const postgres = postgresPods(resource);
    if (typeof postgres?.image === 'string' && !BY_DIGEST.test(postgres.image)) refuse(postgres.title, postgres.image);
  },
};

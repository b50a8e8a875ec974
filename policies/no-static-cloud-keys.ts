import type { ResourceValidationPolicy } from '@pulumi/policy';
import { at, entriesAt, listAt, textAt } from './known.js';
import { containersOf, podTemplateOf } from './pods.js';
import { declared, titleOf } from './resources.js';

/** Resources that are keys. */
const KEYS: Readonly<Record<string, string>> = {
  'aws:iam/accessKey:AccessKey': 'a role bound to a service account (IAM OIDC provider)',
  'gcp:serviceaccount/key:Key': 'Workload Identity',
  'gcp:storage/hmacKey:HmacKey': 'Workload Identity',
};

const AWS_KEY = /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/;
const GOOGLE_KEY = /"type"\s*:\s*"service_account"[^]*"private_key"|"private_key"[^]*"type"\s*:\s*"service_account"/;
const KEY_VARIABLES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'GOOGLE_CREDENTIALS'];

/**
 * No key of a cloud lies anywhere: pods get their rights from who they are. Credentials of an S3-compatible server,
 * which knows no identities, are let through as long as they come from a secret.
 */
export const noStaticCloudKeys: ResourceValidationPolicy = {
  name: 'no-static-cloud-keys',
  description: 'No static key of a cloud is made, or written into an object of the cluster.',
  validateResource: (args, report) => {
    const resource = declared(args);
    const title = titleOf(resource);
    const better = KEYS[resource.type];
    if (better !== undefined) report(`${title} is a static key that works until somebody revokes it: use ${better}.`);
    for (const [place, text] of textsOf(resource)) {
      const what = AWS_KEY.test(text)
        ? 'an access key of AWS'
        : GOOGLE_KEY.test(text)
          ? 'a key of a Google account'
          : null;
      if (what !== null) report(`${title} holds ${what} in ${place}: remove and revoke it, and use workload identity.`);
    }
    const template = podTemplateOf(args);
    for (const { title: container, props } of template === undefined ? [] : containersOf(template))
      for (const variable of listAt(props, 'env')) {
        const name = textAt(variable, 'name') ?? '';
        // Never the value itself: a refusal ends up in logs.
        if (KEY_VARIABLES.includes(name) && typeof at(variable, 'value') === 'string')
          report(`${container} has ${name} written into its environment: use workload identity, or a secretKeyRef.`);
      }
  },
};

/** The texts of a Secret or ConfigMap, decoded, by where they stand. */
function textsOf({ type, props }: { readonly type: string; readonly props: unknown }): [place: string, text: string][] {
  if (type !== 'kubernetes:core/v1:Secret' && type !== 'kubernetes:core/v1:ConfigMap') return [];
  return ['data', 'stringData'].flatMap((part) =>
    entriesAt(props, part)
      .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
      .map(([key, text]): [string, string] => [
        `${part}.${key}`,
        type === 'kubernetes:core/v1:Secret' && part === 'data' ? Buffer.from(text, 'base64').toString() : text,
      ]),
  );
}

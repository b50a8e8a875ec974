/** Where a control plane answers. */
export interface ControlPlane {
  /** `https://…` */
  readonly server: string;
  /** Its certificate authority, base64; without one its certificate is one that everybody trusts. */
  readonly certificateAuthority?: string;
}

/**
 * A kubeconfig (JSON is YAML) for a GKE cluster whose user is whoever is logged in to Google Cloud: it holds no
 * credentials and needs `gke-gcloud-auth-plugin` on the PATH.
 */
export function kubeconfigFor(context: string, { server, certificateAuthority }: ControlPlane): string {
  const cluster = {
    server,
    ...(certificateAuthority === undefined ? {} : { 'certificate-authority-data': certificateAuthority }),
  };
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1beta1',
    command: 'gke-gcloud-auth-plugin',
    installHint: 'gcloud components install gke-gcloud-auth-plugin',
    interactiveMode: 'Never',
    provideClusterInfo: true,
  };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': context,
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    clusters: [{ name: context, cluster }],
    users: [{ name: context, user: { exec } }],
  });
}

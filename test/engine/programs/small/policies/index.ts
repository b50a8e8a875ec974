import { PolicyPack } from '@pulumi/policy';

new PolicyPack('small', {
  policies: [
    {
      name: 'no-text-of-this-kind',
      description: 'A config map must not say forbidden.',
      enforcementLevel: 'mandatory',
      validateResource: (args, reportViolation) => {
        const { text } = (args.props['data'] ?? {}) as { text?: string };
        if (text === 'forbidden') reportViolation('the text is forbidden');
      },
    },
  ],
});

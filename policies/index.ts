import { PolicyPack } from '@pulumi/policy';
import { DeclaredInputs } from './declared-inputs.js';
import { RULES } from './rules.js';

const inputs = new DeclaredInputs();
const policies = RULES.map((rule) => ('validateStack' in rule ? inputs.shownTo(rule) : rule));

new PolicyPack('agent-experiment', { policies: [inputs.rule, ...policies], enforcementLevel: 'mandatory' });

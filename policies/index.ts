import { PolicyPack } from '@pulumi/policy';
import { RULES } from './rules.js';

new PolicyPack('agent-experiment', { policies: [...RULES], enforcementLevel: 'mandatory' });

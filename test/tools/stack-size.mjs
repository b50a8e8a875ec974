/**
 * How many resources a stack has: `pulumi stack ls --json | node test/tools/stack-size.mjs phase3`. Prints `none` when
 * there is no such stack. For the workflows, which must not take a stack that is missing for one that cannot be read.
 */
import { readFileSync } from 'node:fs';

const [stack] = process.argv.slice(2);
const stacks = JSON.parse(readFileSync(0, 'utf8'));
// Some backends put the organisation and the project in front of the name.
const found = stacks.find(({ name }) => name.split('/').at(-1) === stack);
console.log(found === undefined ? 'none' : (found.resourceCount ?? 0));

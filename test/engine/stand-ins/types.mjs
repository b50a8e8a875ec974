import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/*
 * What a resource takes and gives, read from the declarations of the provider's own SDK with the TypeScript compiler.
 * A shape is {inputs, outputs, types}: properties by name {type, optional}, where a type is `any`, `string`, `number`,
 * `boolean`, {literal}, {array}, {map}, {union} or {ref}, a ref being the name of an entry of `types`.
 */

const require = createRequire(import.meta.url);
/** Changes with the shape of what is cached. */
const CACHE_VERSION = 2;

/** Folders of the Kubernetes SDK that are not called like the first part of their API group. */
const GROUP_FOLDERS = { 'apiextensions.k8s.io': 'apiextensions', 'flowcontrol.apiserver.k8s.io': 'flowcontrol' };

export class SdkTypes {
  #folder;
  #cache;
  #known = new Map();
  #interfaces;
  #ts;

  constructor(provider) {
    const manifest = require.resolve(`@pulumi/${provider}/package.json`);
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
    const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
    this.#folder = dirname(manifest);
    this.#cache = join(cache, 'agent-experiment', 'sdk-types', `${provider}-${version}-${CACHE_VERSION}`);
  }

  /** The shape of a type such as `gcp:container/cluster:Cluster`; undefined when the SDK has no such resource. */
  shape(token) {
    if (!this.#known.has(token)) this.#known.set(token, this.#cached(token));
    return this.#known.get(token) ?? undefined;
  }

  #cached(token) {
    const file = join(this.#cache, `${encodeURIComponent(token)}.json`);
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
    const shape = this.#read(token);
    mkdirSync(this.#cache, { recursive: true });
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(shape));
    renameSync(`${file}.${process.pid}`, file);
    return shape;
  }

  #read(token) {
    const [, module = '', name = ''] = token.split(':');
    const declaration = this.#declarationOf(module, name);
    if (declaration === undefined) return null;
    const source = this.#parse(declaration);
    const types = {};
    const args = source.statements.find((node) => this.#isInterface(node) && node.name.text === `${name}Args`);
    const resource = source.statements.find((node) => this.#ts.isClassDeclaration(node) && node.name?.text === name);
    if (args === undefined || resource === undefined) return null;
    const isOutput = (member) =>
      this.#ts.isPropertyDeclaration(member) && member.name.text !== 'urn' && this.#isReadonly(member);
    const shape = {
      inputs: this.#properties(args.members, types),
      outputs: this.#properties(resource.members.filter(isOutput), types),
      types,
    };
    return shape;
  }

  /** Files are named after their resource, but for the case of letters. */
  #declarationOf(module, name) {
    const [group, version] = module.split('/');
    const isKubernetes = this.#folder.endsWith('kubernetes');
    const folder = isKubernetes
      ? join(GROUP_FOLDERS[group] ?? group.split('.')[0], version ?? '')
      : module === 'index' || group === 'index'
        ? ''
        : group;
    const path = join(this.#folder, folder);
    const wanted = `${name}.d.ts`.toLowerCase();
    const file = existsSync(path) ? readdirSync(path).find((entry) => entry.toLowerCase() === wanted) : undefined;
    return file === undefined ? undefined : join(path, file);
  }

  #parse(file) {
    this.#ts ??= require('typescript');
    return this.#ts.createSourceFile(file, readFileSync(file, 'utf8'), this.#ts.ScriptTarget.Latest, false);
  }

  #isInterface(node) {
    return this.#ts.isInterfaceDeclaration(node);
  }

  #isReadonly(member) {
    const { SyntaxKind } = this.#ts;
    const kinds = (member.modifiers ?? []).map((modifier) => modifier.kind);
    return kinds.includes(SyntaxKind.ReadonlyKeyword) && !kinds.includes(SyntaxKind.StaticKeyword);
  }

  #properties(members, types) {
    const entries = members
      .filter((member) => member.type !== undefined && member.name !== undefined)
      .map((member) => {
        const type = this.#type(member.type, types);
        const optional = member.questionToken !== undefined || type?.undefinable === true;
        return [member.name.text, { type: type?.undefinable === true ? type.type : type, optional }];
      });
    return Object.fromEntries(entries);
  }

  #type(node, types) {
    const { SyntaxKind } = this.#ts;
    if (node.kind === SyntaxKind.StringKeyword) return 'string';
    if (node.kind === SyntaxKind.NumberKeyword) return 'number';
    if (node.kind === SyntaxKind.BooleanKeyword) return 'boolean';
    if (this.#ts.isLiteralTypeNode(node)) {
      if (node.literal.kind === SyntaxKind.TrueKeyword || node.literal.kind === SyntaxKind.FalseKeyword)
        return 'boolean';
      return { literal: node.literal.text };
    }
    if (this.#ts.isParenthesizedTypeNode(node)) return this.#type(node.type, types);
    if (this.#ts.isArrayTypeNode(node)) return { array: this.#type(node.elementType, types) };
    if (this.#ts.isTypeLiteralNode(node)) return this.#mapOf(node, types);
    if (this.#ts.isUnionTypeNode(node)) return this.#union(node, types);
    if (this.#ts.isTypeReferenceNode(node)) return this.#reference(node, types);
    return 'any';
  }

  #mapOf(node, types) {
    const index = node.members.find((member) => this.#ts.isIndexSignatureDeclaration(member));
    return index === undefined ? 'any' : { map: this.#type(index.type, types) };
  }

  #union(node, types) {
    const isUndefined = (part) => part.kind === this.#ts.SyntaxKind.UndefinedKeyword;
    const parts = node.types.filter((part) => !isUndefined(part)).map((part) => this.#type(part, types));
    const type = parts.includes('any') ? 'any' : parts.length === 1 ? parts[0] : { union: parts };
    return node.types.some(isUndefined) ? { undefinable: true, type } : type;
  }

  #reference(node, types) {
    const name = nameOf(node.typeName);
    const [argument] = node.typeArguments ?? [];
    if (/^(pulumi\.)?(Input|Output)$/.test(name) && argument !== undefined) return this.#type(argument, types);
    if (!/^(inputs|outputs)\./.test(name)) return 'any';
    this.#interfaces ??= new Map();
    if (types[name] === undefined) {
      const members = this.#interfaceMembers(name);
      if (members === undefined) return 'any';
      // Set before its members are read: types may hold themselves.
      types[name] = {};
      Object.assign(types[name], this.#properties(members, types));
    }
    return { ref: name };
  }

  #interfaceMembers(name) {
    const [file] = name.split('.');
    if (!this.#interfaces.has(file)) {
      const source = this.#parse(join(this.#folder, 'types', file === 'inputs' ? 'input.d.ts' : 'output.d.ts'));
      const found = new Map();
      this.#collect(source.statements, file, found);
      this.#interfaces.set(file, found);
    }
    return this.#interfaces.get(file).get(name);
  }

  #collect(statements, prefix, found) {
    for (const node of statements) {
      if (this.#isInterface(node)) found.set(`${prefix}.${node.name.text}`, node.members);
      if (this.#ts.isModuleDeclaration(node) && node.body !== undefined) {
        const { body } = node;
        const inner = this.#ts.isModuleBlock(body) ? body.statements : [body];
        this.#collect(inner, `${prefix}.${node.name.text}`, found);
      }
    }
  }
}

function nameOf(name) {
  return name.right === undefined ? name.text : `${nameOf(name.left)}.${name.right.text}`;
}

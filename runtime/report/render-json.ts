import { z } from 'zod';

import { ExperimentError } from '../kernel/errors.js';
import type { ExperimentReport } from './model.js';
import { reportSchema } from './schema.js';

/**
 * `report.json`: keys in the order of the document (additions after them, maps sorted), numbers rounded to digits
 * that mean something, series and list entries on one line each, a newline at the end. The same report gives the same
 * bytes. A number that is not finite (nothing measured) is written as `null`.
 */
export function renderJson(report: ExperimentReport): string {
  return `${write(inOrder(reportSchema, report), '')}\n`;
}

/**
 * Reads what {@link renderJson} wrote; unknown keys are kept. Throws an {@link ExperimentError}
 * (`RECORD_UNREADABLE`) naming every path that is wrong.
 */
export function parseReport(json: unknown): ExperimentReport {
  const parsed = reportSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => ({
    path: issue.path.map(String).join('.') || '(report)',
    message: issue.message,
  }));
  throw new ExperimentError('RECORD_UNREADABLE', 'This is not a report of agent-experiment (report.json).', problems);
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The value with the keys of objects in the schema's order, unknown keys and maps sorted after them. */
function inOrder(schema: z.core.$ZodType | null, value: unknown): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return roundForJson(value);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  const bare = unwrap(schema);
  if (Array.isArray(value)) {
    const element = bare instanceof z.ZodArray ? bare.element : null;
    return value.map((item) => inOrder(element, item));
  }
  if (typeof value !== 'object') return null;
  const shape: Record<string, z.core.$ZodType> = bare instanceof z.ZodObject ? bare.shape : {};
  const entry = bare instanceof z.ZodRecord ? bare.valueType : null;
  const object = value as Readonly<Record<string, unknown>>;
  const known = Object.keys(shape).filter((key) => Object.hasOwn(object, key));
  const others = Object.keys(object)
    .filter((key) => !Object.hasOwn(shape, key))
    .sort();
  const kept = [...known, ...others].filter((key) => object[key] !== undefined);
  return Object.fromEntries(kept.map((key) => [key, inOrder(shape[key] ?? entry, object[key])]));
}

function unwrap(schema: z.core.$ZodType | null): z.core.$ZodType | null {
  return schema instanceof z.ZodNullable || schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema;
}

/** Whole numbers are kept; others get nine decimals below 1, six below 1,000 and three above. */
function roundForJson(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  if (Number.isInteger(value)) return Object.is(value, -0) ? 0 : value;
  const size = Math.abs(value);
  const rounded = Number(value.toFixed(size < 1 ? 9 : size < 1_000 ? 6 : 3));
  return Object.is(rounded, -0) ? 0 : rounded;
}

function write(value: Json, indent: string): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (!value.some((item) => item !== null && typeof item === 'object')) return JSON.stringify(value);
    const lines = value.map((item) => `${inner}${JSON.stringify(item)}`);
    return `[\n${lines.join(',\n')}\n${indent}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, item]) => `${inner}${JSON.stringify(key)}: ${write(item, inner)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

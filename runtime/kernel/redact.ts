/** What stands in place of a secret. */
const REDACTED = '[redacted]';

/** Shorter ones would take ordinary words out of a text. */
const SHORTEST_SECRET = 6;

/** What looks like a secret wherever it stands: keys and tokens of the usual services, and what follows their names. */
const PATTERNS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{8,}/g, REDACTED],
  [/\b(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{10,}/g, REDACTED],
  [/\bxox[a-z]-[A-Za-z0-9-]{8,}/g, REDACTED],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, REDACTED],
  [/\bAIza[A-Za-z0-9_-]{20,}/g, REDACTED],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, REDACTED],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{6,}/gi, `$1 ${REDACTED}`],
  [
    /\b([A-Za-z0-9_-]*(?:password|passwd|secret|token|api[_-]?key)["']?\s*[:=]\s*["']?)[^\s"',;&]{6,}/gi,
    `$1${REDACTED}`,
  ],
];

/** `text` without the given secrets, and without what looks like one. */
export function redact(text: string, secrets: readonly string[] = []): string {
  let safe = text;
  const known = secrets.filter((secret) => secret.length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length);
  for (const secret of known) safe = safe.replaceAll(secret, REDACTED);
  for (const [pattern, replacement] of PATTERNS) safe = safe.replace(pattern, replacement);
  return safe;
}

import { join } from 'node:path';
import { RUN_FILES, writeWhole } from '../record/run-folder.js';
import type { Language } from '../report/i18n.js';
import type { ExperimentReport } from '../report/model.js';
import { renderHtml } from '../report/render-html.js';
import { renderJson } from '../report/render-json.js';
import { renderMarkdown } from '../report/render-markdown.js';

export interface ReportFiles {
  readonly language: Language;
  /** Also the two for people, report.md and report.html. */
  readonly forPeople: boolean;
}

/** Writes the report's files into the run's folder, each as a whole; answers report.json's text. */
export async function writeReport(
  report: ExperimentReport,
  folder: string,
  { language, forPeople }: ReportFiles,
): Promise<string> {
  const json = renderJson(report);
  await writeWhole(join(folder, RUN_FILES.json), json);
  if (forPeople) {
    await writeWhole(join(folder, RUN_FILES.markdown), renderMarkdown(report, language));
    await writeWhole(join(folder, RUN_FILES.html), renderHtml(report, language));
  }
  return json;
}

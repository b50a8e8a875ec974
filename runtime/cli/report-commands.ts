import type { Command } from 'commander';
import type { CompareFlags } from './commands/compare.js';
import type { ReportFlags } from './commands/report.js';
import type { Ending } from './ending.js';
import type { Io } from './io.js';

/** Commands on what runs have left: report, compare. */
export function addReportCommands(program: Command, io: Io, ending: Ending): void {
  program
    .command('report <run>')
    .description('builds the report again from what was recorded; also of a run whose process was killed')
    .option('--lang <language>', 'en or ja (default: en)')
    .option('--json', 'print report.json on standard output, and nothing else there')
    .addHelpText('after', '\nAnswers 0 when the report was built, whatever its verdict.')
    .action(async (run: string, flags: ReportFlags) => {
      const { report } = await import('./commands/report.js');
      await ending(report(run, flags, io));
    });

  program
    .command('compare <run...>')
    .description('sets runs side by side: linearity, bottleneck, overhead, what to do next')
    .option('--lang <language>', 'en or ja (default: en)')
    .option('--json', 'print the comparison as JSON')
    .action(async (runs: string[], flags: CompareFlags) => {
      const { compare } = await import('./commands/compare.js');
      await ending(compare(runs, flags, io));
    });
}

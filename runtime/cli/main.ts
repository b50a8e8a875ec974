import { processIo } from './io.js';
import { main } from './program.js';

/** Leaves once everything that was written has been handed over. */
function leave(exitCode: number): void {
  process.exitCode = exitCode;
  process.stdout.write('', () => {
    process.stderr.write('', () => {
      process.exit(exitCode);
    });
  });
}

main(process.argv.slice(2), processIo()).then(leave, leave.bind(null, 4));

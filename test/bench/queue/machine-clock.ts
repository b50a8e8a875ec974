/** Milliseconds on the machine's monotonic clock: comparable between processes, unlike `performance.now()`. */
const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();
export const machineNow = (): number => performance.now() + offset;

/** Takes what a command ends with: its exit code. */
export type Ending = (exitCode: Promise<number>) => Promise<void>;

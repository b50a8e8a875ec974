/** Key of what the processes of a run tell each other beside the tasks; all of a run's are in one slot. */
export const boardKey = (run: string, what: string): string => `ae:{board:${run}}:${what}`;

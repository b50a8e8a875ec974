/** Milliseconds in the usual units; durations inside the project are plain numbers in milliseconds. */
export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;

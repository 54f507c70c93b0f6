// Moments as the services write them.

export function seconds(ms) {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

export function millis(ms) {
  return new Date(ms).toISOString();
}

export function day(ms) {
  return new Date(ms).toISOString().slice(0, 10);
}

export const DAY_MS = 86400000;
export const FIRST_MS = Date.UTC(2024, 0, 1); // when made worlds begin
export const STEP_MS = 600000; // between one made customer and the next

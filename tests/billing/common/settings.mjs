// What a test may set: the type of each setting follows from its default.

// Throws with a sentence when a setting is unknown or of the wrong type.
export function applySettings(settings, changes, choices = {}) {
  for (const [name, value] of Object.entries(changes)) {
    if (!(name in settings)) throw new Error(`no such setting: ${name}`);
    const was = settings[name];
    const fits = Array.isArray(was) ? Array.isArray(value)
      : typeof was === typeof value && value !== null && !Array.isArray(value);
    if (!fits) throw new Error(`setting ${name} has the wrong type`);
    if (typeof value === 'number' && !(value >= 0)) throw new Error(`setting ${name} must not be negative`);
    if (choices[name] !== undefined && !choices[name].includes(value))
      throw new Error(`setting ${name} must be one of ${choices[name].join(', ')}`);
  }
  Object.assign(settings, changes);
}

// Those that every simulator has.
export function commonSettings() {
  return {
    latency_ms: 0, // added to every API call
    now: '', // an ISO date: the time of new rows and changes; empty: the clock
    serialize: 'change', // or 'delivery': when the body of a webhook is written
    retry_wait_ms: 20, // between the attempts of a delivery, so that tests need not wait
  };
}

export const COMMON_CHOICES = { serialize: ['change', 'delivery'] };

// Settings of a simulator: a test may change those that are there, and keeps
// their types.

// Throws with a sentence when a setting is unknown or of the wrong type.
// choices: name -> the values that are allowed.
export function changeSettings(settings, changes, choices = {}) {
  for (const [name, value] of Object.entries(changes)) {
    if (!(name in settings)) throw new Error(`no such setting: ${name}`);
    const was = settings[name];
    const fits = Array.isArray(was) ? Array.isArray(value)
      : typeof was === typeof value && value !== null && !Array.isArray(value);
    if (!fits) throw new Error(`setting ${name} has the wrong type`);
    if (typeof value === 'number' && !(value >= 0)) throw new Error(`setting ${name} must not be negative`);
    if (choices[name] && !choices[name].includes(value))
      throw new Error(`setting ${name} must be one of ${choices[name].join(', ')}`);
  }
  Object.assign(settings, changes);
}

// An answer that is not a success, thrown from wherever it is decided.

export class Refusal extends Error {
  constructor(status, body, headers = {}) {
    super(typeof body === 'string' ? body : JSON.stringify(body));
    this.status = status;
    this.body = body;
    this.headers = headers;
  }

  answer() {
    if (typeof this.body === 'string') return { status: this.status, text: this.body, headers: { 'Content-Type': 'text/plain', ...this.headers } };
    return { status: this.status, body: this.body, headers: this.headers };
  }
}
